"""The whole system on this machine, to try out and to check: LMSs, hub, courses, and the story.

Promises: everything listens on loopback only; everything that was started is ended; what people made is found
again by the next start. `lms/` is the LMS, `story/` plays teachers and students; the rest starts, watches and
ends processes.
"""

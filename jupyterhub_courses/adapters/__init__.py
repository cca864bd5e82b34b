"""The outside world: databases, LMSs, the hub's REST API, child processes, nbgrader's gradebook, ngshare.

An adapter translates and nothing else; decisions are made in core and usecases.
"""

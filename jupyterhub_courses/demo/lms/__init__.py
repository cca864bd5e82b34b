"""The LMS of the demo: an LTI 1.3 platform in one process that answers as the recorded Moodle 4.5.6 does.

Peculiarities included: what a tool gets wrong against Moodle it gets wrong here too. tests/demo_lms replays
the recordings, so that it can't drift into a convenient fiction. Its pages are its own; nothing of it is part
of the product.

A request's way: `server` (faults, counts) -> `services` (which resource, may this token?) -> `lineitems`,
`scores`, `results`, `memberships`; a click's way: `pages` -> `launching` -> `claims`. `grading` and `claims`
are pure; `store` is the only place that knows SQL; `scenario` says who and what exists at first.
"""

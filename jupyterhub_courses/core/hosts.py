"""What a host of courses says when one is not ready: for its page, so in words; which of both decides the state."""


class HostProblem(Exception):
    """A course cannot be made ready until somebody does something; the text is for its page."""


class StillComing(Exception):
    """A course is being made and only time is missing; the text says what it waits for."""

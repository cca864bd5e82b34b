"""The hub's login: launches of LTI 1.3, verified here, admitted by the courses service."""

from .lti13 import CoursesLTI13Authenticator

__all__ = ["CoursesLTI13Authenticator"]

"""Why the hub's side refuses a launch, a login or a start: every code in one place, with its HTTP status.

The sentences of the codes are in core/launch_sentences.py; a code that comes from the service brings its own
status.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

#: 400: not an LTI message. 401: not proven. 403: proven, and not permitted. 413: too large. 503: try again
#: shortly.
STATUS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "login_incomplete": 400,
        "registration_unknown": 401,
        "target_outside": 400,
        "state_missing": 400,
        "state_invalid": 400,
        "state_expired": 400,
        "cookie_missing": 400,
        "state_foreign": 403,
        "platform_refused": 400,
        "token_missing": 400,
        "token_too_large": 413,
        "token_malformed": 400,
        "algorithm_refused": 401,
        "key_unknown": 401,
        "keyset_unreachable": 503,
        "signature_wrong": 401,
        "issuer_wrong": 401,
        "audience_wrong": 401,
        "times_missing": 400,
        "token_expired": 401,
        "token_from_future": 401,
        "nonce_wrong": 401,
        "nonce_replayed": 401,
        "version_unknown": 400,
        "deployment_unknown": 401,
        "message_type_not_yet": 400,
        "message_type_unknown": 400,
        "sub_missing": 400,
        "sub_odd": 400,
        "no_context": 400,
        "context_odd": 400,
        "resource_link_missing": 400,
        "for_user_missing": 400,
        "selection_incomplete": 400,
        "selection_of_nothing": 400,
        "lti11_off": 404,
        "form_incomplete": 400,
        "form_too_large": 413,
        "consumer_unknown": 401,
        "continue_spent": 400,
        "continue_foreign": 403,
        "login_refused": 403,
        "start_in_lms": 405,
        "server_unnamed": 403,
        "server_misplaced": 500,
        "service_down": 503,
        "quota_used_up": 409,
        "image_unavailable": 409,
        "no_room": 503,
        "home_unavailable": 503,
        "course_place_missing": 503,
        "hub_right_missing": 500,
        "pod_refused": 409,
        "pod_misconfigured": 409,
        "cluster_away": 503,
        "server_taken_away": 503,
        "server_crashes": 409,
        "server_out_of_memory": 409,
        "server_slow": 503,
    }
)


class LaunchRefused(Exception):
    """The launch does not hold. `code` is one of STATUS; nothing of the token is in here, so it may be logged."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code, self.status = code, STATUS[code]

"""What an LMS has to be told about this hub, ready to copy; and Canvas's configuration as one JSON document."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .registrations import DESCRIPTION, NAME, SCOPES

#: The same for every institution that Instructure hosts
#: (https://developerdocs.instructure.com/services/canvas/external-tools/lti/file.lti_dev_key_config).
CANVAS = {
    "issuer": "https://canvas.instructure.com",
    "authorize_url": "https://sso.canvaslms.com/api/lti/authorize_redirect",
    "keyset_url": "https://sso.canvaslms.com/api/lti/security/jwks",
    "token_url": "https://YOUR-INSTITUTION.instructure.com/login/oauth2/token",
}
#: Below the address of a Moodle, which is its issuer, too.
MOODLE = {
    "authorize_url": "/mod/lti/auth.php",
    "token_url": "/mod/lti/token.php",
    "keyset_url": "/mod/lti/certs.php",
}


@dataclass(frozen=True)
class Hub:
    """Our addresses. `base`: the public one of everything, with its slash."""

    base: str

    @property
    def tool_url(self) -> str:
        """Where every link and selection leads to (target_link_uri)."""
        return self.base

    @property
    def login_url(self) -> str:
        """Where the LMS begins a login."""
        return self.base + "hub/lti13/oauth_login"

    @property
    def redirect_uri(self) -> str:
        """Where the LMS sends its answer."""
        return self.base + "hub/lti13/oauth_callback"

    @property
    def keyset_url(self) -> str:
        """Our public keys."""
        return self.base + "services/courses/jwks.json"

    @property
    def canvas_url(self) -> str:
        """The document below."""
        return self.base + "services/courses/canvas.json"

    @property
    def domain(self) -> str:
        """Host and port."""
        return urlsplit(self.base).netloc

    @property
    def scopes(self) -> tuple[str, ...]:
        """What we ask for."""
        return SCOPES


def canvas_configuration(hub: Hub) -> dict[str, Any]:
    """The document behind "Enter URL" of a Canvas developer key.

    Placements: picking what an assignment or a module's item opens. `assignment`, `materials` and the like are
    set for each link by what is picked.
    """
    placements = [
        {
            "placement": placement,
            "message_type": "LtiDeepLinkingRequest",
            "target_link_uri": hub.tool_url,
            "text": NAME,
            "selection_width": 800,
            "selection_height": 600,
        }
        for placement in ("assignment_selection", "link_selection")
    ]
    return {
        "title": NAME,
        "description": DESCRIPTION["en"],
        "target_link_uri": hub.tool_url,
        "oidc_initiation_url": hub.login_url,
        "redirect_uris": [hub.redirect_uri],
        "public_jwk_url": hub.keyset_url,
        "scopes": list(SCOPES),
        "custom_fields": {"username": "$User.username"},
        "extensions": [
            {
                "platform": "canvas.instructure.com",
                "domain": hub.domain,
                "tool_id": "jupyterhub-courses",
                "privacy_level": "public",
                "settings": {
                    "platform": "canvas.instructure.com",
                    "text": NAME,
                    "icon_url": hub.base + "hub/logo",
                    "placements": placements,
                },
            }
        ],
    }

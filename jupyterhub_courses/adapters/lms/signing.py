"""What the tool says through somebody's browser: claims with its signature."""

from typing import Any

import jwt

from .keys import ToolKey


def signed(claims: dict[str, Any], key: ToolKey) -> str:
    """A JWT; RS256, as LTI 1.3 asks for (https://www.imsglobal.org/spec/security/v1p0/#using-json-web-tokens)."""
    return jwt.encode(claims, key.private, "RS256", headers={"kid": key.kid})

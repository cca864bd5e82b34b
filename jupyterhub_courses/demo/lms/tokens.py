"""The token endpoint: a signed assertion in, an access token for every course of the site out.

Recorded in vectors/moodle/02-token.json: JSON under text/html; aud, iss and jti are not looked at, the clock
is strict; a keyset that can't be fetched is Moodle's error page.
"""

import json
from datetime import UTC, datetime
from typing import Any

import jwt

from jupyterhub_courses.demo.lms.answers import HTML, Answer, error_page
from jupyterhub_courses.demo.lms.keys import KeysetUnreachable
from jupyterhub_courses.demo.lms.scopes import GRANTED
from jupyterhub_courses.demo.lms.site import Site

LIFETIME_S = 3600
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class TokenError(Exception):
    """Why there is no token, in Moodle's words."""


async def answer(site: Site, method: str, content_type: str, form: dict[str, str]) -> Answer:
    try:
        assertion, scopes = _read(method, content_type, form)
        await _verify(site, assertion)
        granted = " ".join(scope for scope in scopes if scope in GRANTED)
        if not granted:
            raise TokenError("invalid_scope")
    except TokenError as error:
        return Answer(400, HTML, json.dumps({"error": str(error)}))
    except KeysetUnreachable:
        return error_page(site.scenario.name)
    token = site.store.add_token(granted, int(site.clock()), LIFETIME_S)
    body = {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_S, "scope": granted}
    return Answer(200, HTML, json.dumps(body))


def _read(method: str, content_type: str, form: dict[str, str]) -> tuple[str, list[str]]:
    names = ("client_assertion", "client_assertion_type", "grant_type", "scope")
    if method != "POST" or content_type != "application/x-www-form-urlencoded" or not all(map(form.get, names)):
        raise TokenError("invalid_request")
    if form["client_assertion_type"] != ASSERTION_TYPE or form["grant_type"] != "client_credentials":
        raise TokenError("unsupported_grant_type")
    return form["client_assertion"], form["scope"].split(" ")


async def _verify(site: Site, assertion: str) -> None:
    """Client, signature, times: nothing else."""
    try:
        header = jwt.get_unverified_header(assertion)
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        raise TokenError("invalid_request") from None
    if claims.get("sub") != site.scenario.client_id:
        raise TokenError("invalid_client" if claims.get("sub") else "invalid_request")
    kid = header.get("kid")
    error = _mistake(assertion, await site.tool_keys.key(kid), kid)
    if error and site.tool_keys.refetchable:  # the tool may have changed its keys
        error = _mistake(assertion, await site.tool_keys.key(kid, fresh=True), kid)
    if error:
        raise TokenError(error)
    _check_times(claims, site.clock())


def _mistake(assertion: str, key: Any, kid: str | None) -> str | None:
    """What is wrong with the signature, as Moodle's JWT library says it."""
    if key is None:
        return f'"kid" {"invalid" if kid else "empty"}, unable to lookup correct key'
    try:
        jwt.PyJWS().decode(assertion, key, algorithms=["RS256"])
    except jwt.InvalidAlgorithmError:
        return "Incorrect key for this algorithm"
    except jwt.InvalidTokenError:
        return "Signature verification failed"
    return None


def _check_times(claims: dict[str, Any], now: float) -> None:
    """No leeway: a clock a second ahead is refused."""
    for name in ("nbf", "iat"):
        moment = claims.get(name)
        if isinstance(moment, int | float) and moment > now:
            written = datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
            raise TokenError(f"Cannot handle token with {name} prior to {written}")
    expiry = claims.get("exp")
    if isinstance(expiry, int | float) and now >= expiry:
        raise TokenError("Expired token")

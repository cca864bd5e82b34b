"""A Moodle's registration endpoint, built from a recording of the real one (07-dynamic-registration.json).

Every refusal is the recorded answer itself, chosen by what the request is; test_recording.py holds the choice, and
the entries that are made, to all recorded exchanges.
"""

import asyncio
import copy
import html
import json
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from aiohttp import web

from jupyterhub_courses.core.registrations import TOOL

from ..hub.platform import key_pair

RECORDED = "http://127.0.0.1:8081"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
GRADES = [AGS + name for name in ("score", "result.readonly", "lineitem.readonly", "lineitem")]
FIELDS = (
    "response_types",
    "initiate_login_uri",
    "redirect_uris",
    "client_name",
    "jwks_uri",
    "token_endpoint_auth_method",
)


def recording(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "07-dynamic-registration.json").read_text())


def body_of(recorded: dict[str, Any], body: Any) -> Any:
    """A recorded request's body, whole: `as_in` with what was removed and changed."""
    if not isinstance(body, dict) or "as_in" not in body:
        return body
    whole = copy.deepcopy(recorded["register"]["request"]["body"])
    for name in body.get("removed", ()):
        inner, last = _inside(whole, name)
        inner.pop(last, None)
    for name, value in body.get("changed", {}).items():
        inner, last = _inside(whole, name)
        inner[last] = value
    return whole


def _inside(whole: dict[str, Any], name: str) -> tuple[dict[str, Any], str]:
    path = name.split(" > ")
    for part in path[:-1]:
        whole = whole[part]
    return whole, path[-1]


@dataclass
class RecordedMoodle:
    """One site. `change` sees the configuration and every entry before they are sent; `delay_s` slows answers down."""

    recorded: dict[str, Any]
    url: str = ""
    types: dict[str, dict[str, Any]] = field(default_factory=dict)  # tool's (deployment's) id -> what it sent
    clients: dict[str, str] = field(default_factory=dict)  # client id -> tool's id
    posts: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    next_type: int = 2
    delay_s: float = 0
    change: Callable[[str, dict[str, Any]], Any] = lambda _what, data: data
    after_post: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        notes = self.recorded["refused"]
        self.answers = {one["note"]: one["response"] for one in notes}

    @property
    def configuration_url(self) -> str:
        return f"{self.url}/mod/lti/openid-configuration.php"

    def token(self, scope: str = "reg", sub: str | None = None, expires: int = 3600, key: str = "moodle") -> str:
        """A registration token as Moodle gives one to its frame."""
        claims = {"sub": sub or secrets.token_hex(7), "scope": scope, "iat": int(time.time())}
        return jwt.encode({**claims, "exp": claims["iat"] + expires}, key_pair(key), "RS256", headers={"kid": key})

    def routes(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/mod/lti/openid-configuration.php", self._configuration)
        app.router.add_route("*", "/mod/lti/openid-registration.php", self._registration)
        return app

    async def _configuration(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"GET {request.path}")
        await asyncio.sleep(self.delay_s)
        text = json.dumps(self.recorded["openid_configuration"]["response"]["body"]).replace(RECORDED, self.url)
        changed = self.change("configuration", json.loads(text))
        return changed if isinstance(changed, web.StreamResponse) else web.json_response(changed)

    async def _registration(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        await asyncio.sleep(self.delay_s)
        answer = self._judged(request.method, request.headers.get("Authorization", ""), await request.read())
        self.after_post()
        return answer

    def _judged(self, method: str, authorization: str, body: bytes) -> web.StreamResponse:
        if method not in ("GET", "POST"):
            return self._as_recorded("PUT")
        if not authorization.startswith("Bearer "):
            return self._as_recorded("no Authorization header")
        claims = self._claims(authorization.removeprefix("Bearer "))
        if isinstance(claims, str):
            return self._as_recorded(claims)
        update = claims["scope"] == "reg-update"
        if method == "GET":
            if not update:
                return self._as_recorded("GET with a new-registration token before anything is registered")
            sent = self.types[claims["sub"]]
            return web.json_response(self._entry(claims["sub"], sent))
        payload = self._payload(body)
        refusal = payload if isinstance(payload, str) else _wrong(payload)
        if isinstance(payload, str) or refusal:
            return self._as_recorded(refusal)
        self.posts.append(payload)
        type_id = claims["sub"] if update else str(self.next_type)
        if not update:
            self.next_type += 1
            self.clients[claims["sub"]] = type_id
        before = self.types.get(type_id, {})
        sent = {**payload, "client_id": before.get("client_id", claims["sub"])}
        self.types[type_id] = sent
        answer = self.change("entry", self._entry(type_id, sent))
        return answer if isinstance(answer, web.StreamResponse) else web.json_response(answer)

    def _claims(self, token: str) -> dict[str, Any] | str:
        if token.count(".") != 2:
            return "garbage token"
        try:
            claims = jwt.decode(token, key_pair("moodle").public_key(), ["RS256"])
        except jwt.ExpiredSignatureError:
            return "expired token (made with the lab's own platform key: exp an hour ago)"
        except jwt.PyJWTError:
            return "token signed by another key"
        if claims["scope"] not in ("reg", "reg-update"):
            return "token with another scope (made with the lab's own platform key)"
        if claims["scope"] == "reg-update":
            unknown = "update token for a tool that does not exist (made with the lab's own platform key)"
            return claims if claims["sub"] in self.types else unknown
        # Moodle looks whether the client id is in use: a deleted tool makes its token good again.
        return "same registration token again" if claims["sub"] in self.clients else claims

    def _payload(self, body: bytes) -> dict[str, Any] | str:
        try:
            payload = json.loads(body)
        except ValueError:
            return "not JSON" if body else "empty body"
        return dict(payload) if isinstance(payload, dict | list) else "not JSON"

    def _entry(self, type_id: str, sent: dict[str, Any]) -> dict[str, Any]:
        """What Moodle answers about an entry (registration_helper.php, config_to_registration)."""
        tool = sent[TOOL]
        scopes = sent.get("scope", "").split()
        granted = [*(GRADES if set(GRADES) & set(scopes) else ()), *([NRPS] if NRPS in scopes else ())]
        claims = set(tool.get("claims", ()))
        names = ["name", "family_name", "given_name"] if claims & {"name", "given_name", "family_name"} else []
        links = [m for m in tool.get("messages", ()) if m["type"] == "LtiDeepLinkingRequest"]
        custom = {name: str(value).split("=")[0] for name, value in tool.get("custom_parameters", {}).items()}
        more: dict[str, Any] = {"custom_parameters": custom} if custom else {}
        if links:
            more["messages"] = [{name: links[0][name] for name in ("type", "target_link_uri")}]
        names_of = ("jwks_uri", "initiate_login_uri", "redirect_uris", "token_endpoint_auth_method")
        return {
            "client_id": sent["client_id"],
            "response_types": ["id_token"],
            "grant_types": ["client_credentials", "implicit"],
            "application_type": "web",
            **{name: sent[name] for name in names_of},
            "client_name": stripped(sent["client_name"]),
            "logo_uri": sent.get("logo_uri", ""),
            "scope": " ".join(granted),
            TOOL: {
                "version": "1.3.0",
                "deployment_id": type_id,
                "target_link_uri": tool.get("target_link_uri") or f"https://{tool['domain']}",
                "domain": tool["domain"].removeprefix("www."),
                "description": stripped(tool.get("description", "")),
                "claims": ["sub", "iss", *names, *(["email"] if "email" in claims else [])],
                **more,
            },
        }

    def _as_recorded(self, note: str) -> web.Response:
        answer = self.answers[note]
        body = answer["body"]
        if isinstance(body, dict):
            text = f"<html><title>{body['title']}</title><body>{html.escape(body['message'][0])}</body></html>"
        else:
            text = body
        return web.Response(status=answer["status"], text=text, content_type="text/html")


def stripped(text: str) -> str:
    """As Moodle cleans a text."""
    return re.sub(r"<[^>]+>", "", text)


def _wrong(payload: dict[str, Any]) -> str:
    """The note of the recorded refusal that fits; in Moodle's order."""
    for name in (*FIELDS, TOOL):
        if not payload.get(name):
            return "redirect_uris: []" if payload.get(name) == [] else f"without {name}"
    tool = payload[TOOL]
    if not tool.get("domain"):
        return "without domain"
    target = tool.get("target_link_uri") or f"https://{tool['domain']}"
    if tool["domain"].removeprefix("www.") != target.split("/")[2]:
        return "domain of another host than target_link_uri"
    if "id_token" not in payload["response_types"]:
        return 'response_types: ["code"]'
    if not isinstance(payload["redirect_uris"], list):
        return "redirect_uris: a string"
    if payload["token_endpoint_auth_method"] != "private_key_jwt":
        return "token_endpoint_auth_method client_secret_basic"
    if payload.get("application_type", "web") != "web":
        return "application_type native"
    if any(isinstance(message, str) for message in tool.get("messages", ())):
        return "messages: a string in place of an object"
    if len(payload["client_name"]) > 255:
        return "client_name longer than 255 characters"
    return ""

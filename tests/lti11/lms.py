"""An LMS of LTI 1.1 for these tests: signs launches as RFC 5849 says, by code of its own, and takes Basic Outcomes.

Its answers to outcomes are in the words of the recorded Moodle, and it is as strict: signature over its address, hash
of the body, five minutes, a known sourcedid, a share between 0 and 1; always 200 and text/html.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from xml.etree import ElementTree

KEY, SECRET = "lab-consumer-key", "lab-shared-secret-0"
Pairs = list[tuple[str, str]]


def encoded(text: str) -> str:
    """RFC 5849 3.6."""
    return quote(text, safe="~")


def signature(method: str, url: str, pairs: Pairs, secret: str, digest: str = "sha1") -> str:
    """RFC 5849 3.4.1 and 3.4.2; `url` as it is to be signed, without a query."""
    normalized = "&".join(f"{n}={v}" for n, v in sorted((encoded(n), encoded(v)) for n, v in pairs))
    base = "&".join(encoded(part) for part in (method, url, normalized))
    return base64.b64encode(hmac.new(f"{encoded(secret)}&".encode(), base.encode(), digest).digest()).decode()


def signed(url: str, fields: dict[str, str], *, key: str = KEY, secret: str = SECRET, **changes: str) -> dict[str, str]:
    """A form to post to `url`; `changes` to OAuth's own fields, without `oauth_`."""
    oauth = {"version": "1.0", "nonce": secrets.token_hex(16), "timestamp": str(int(time.time())), "consumer_key": key}
    oauth |= {"signature_method": "HMAC-SHA1", "callback": "about:blank", **changes}
    form = {**{f"oauth_{name}": value for name, value in oauth.items() if value}, **fields}
    digest = "sha256" if oauth["signature_method"] == "HMAC-SHA256" else "sha1"
    return {**form, "oauth_signature": signature("POST", url, list(form.items()), secret, digest)}


def launch_fields(user: str = "5", roles: str = "Learner", **changes: str | None) -> dict[str, str]:
    """What Moodle sends of a launch; None takes a field away."""
    fields: dict[str, str | None] = {
        "user_id": user,
        "roles": roles,
        "context_id": "4",
        "context_label": "dl101",
        "context_title": "Deep Linking 101",
        "lti_message_type": "basic-lti-launch-request",
        "lti_version": "LTI-1p0",
        "resource_link_id": "52",
        "resource_link_title": "Eleven",
        "resource_link_description": "First line\r\n\r\nSecond + ü&=%",
        "lis_person_name_given": "Augusta",
        "lis_person_name_family": f"Byronovna{user}",
        "lis_person_name_full": f"Augusta Byronovna{user}",
        "lis_person_contact_email_primary": f"augusta{user}@lab.invalid",
        "ext_user_username": f"student{user}",
        "custom_assignment": "ps1",
        "ext_lms": "moodle-2",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


ANSWER = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<imsx_POXEnvelopeResponse '
    'xmlns="http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"><imsx_POXHeader><imsx_POXResponseHeaderInfo>'
    "<imsx_version>V1.0</imsx_version><imsx_messageIdentifier>774545580</imsx_messageIdentifier><imsx_statusInfo>"
    "<imsx_codeMajor>{code}</imsx_codeMajor><imsx_severity>status</imsx_severity><imsx_description>{text}"
    "</imsx_description><imsx_messageRefIdentifier>{ref}</imsx_messageRefIdentifier><imsx_operationRefIdentifier>"
    "{operation}</imsx_operationRefIdentifier></imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader>"
    "<imsx_POXBody>{body}</imsx_POXBody></imsx_POXEnvelopeResponse>\n"
)


class Refusing(Exception):
    """Answered with `failure`, in these words."""


@dataclass
class Consumer:
    """The LMS. grades: sourcedid -> share, None where it was erased. operations: what it was asked, in order."""

    key: str = KEY
    secret: str = SECRET
    without_port: bool = False  # verifies as Moodle does behind Debian's nginx
    known: set[str] = field(default_factory=set)
    grades: dict[str, float | None] = field(default_factory=dict)
    operations: list[str] = field(default_factory=list)
    failing: list[int] = field(default_factory=list)  # statuses of the next answers, in place of an envelope
    ungraded: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
    server: Any = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def outcomes_url(self) -> str:
        return f"{self.base}/mod/lti/service.php"

    def sourcedid(self, user: str) -> str:
        """Of a new launch: another one each time, and all of them good, as in Moodle."""
        data = {"instanceid": "52", "userid": user, "typeid": "12", "launchid": secrets.randbelow(10**9)}
        made = json.dumps({"data": data, "hash": "<&>" + secrets.token_hex(8)}, separators=(",", ":"))
        self.known.add(made)
        return made

    def result(self, user: str) -> dict[str, str]:
        """The fields of a graded activity's launch."""
        return {"lis_result_sourcedid": self.sourcedid(user), "lis_outcome_service_url": self.outcomes_url}

    def shown(self) -> dict[str, float | None]:
        """user id -> the share that the gradebook shows."""
        with self.lock:
            return {json.loads(sourcedid)["data"]["userid"]: share for sourcedid, share in self.grades.items()}

    def count(self, operation: str) -> int:
        with self.lock:
            return self.operations.count(operation)

    def start(self) -> None:
        lms = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with lms.lock:
                    status = lms.failing.pop(0) if lms.failing else 200
                    answer = b"<html>out of order</html>" if status != 200 else lms.answer(self.headers, body)
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, headers: Any, body: bytes) -> bytes:
        """The envelope; the order of the checks is Moodle's."""
        operation, number, found = "unknownRequest", "", ""
        try:
            self._verify(headers, body)
            root = ElementTree.fromstring(body)
            (element,) = next(one for one in root.iter() if one.tag.endswith("imsx_POXBody"))
            operation = element.tag.rpartition("}")[2]
            number = next(e.text or "" for e in root.iter() if e.tag.endswith("imsx_messageIdentifier"))
            self.operations.append(operation)
            text, found = self._do(operation, element)
            code = "success"
        except Refusing as refusal:
            code, text = "failure", str(refusal)
        made = ANSWER.format(code=code, text=text, ref=number, operation=operation, body=found or "<unknownResponse/>")
        return made.encode()

    def _do(self, operation: str, element: ElementTree.Element) -> tuple[str, str]:
        texts = {one.tag.rpartition("}")[2]: one.text or "" for one in element.iter()}
        sourcedid = texts["sourcedId"]
        if self.ungraded:
            raise Refusing("Tool does not accept grades")
        if sourcedid not in self.known:
            raise Refusing("SourcedId hash not valid")
        user = json.loads(sourcedid)["data"]["userid"]
        for old in [one for one in self.grades if json.loads(one)["data"]["userid"] == user and one != sourcedid]:
            self.grades[sourcedid] = self.grades.pop(old)
        if operation == "replaceResultRequest":
            score = texts["textString"]
            if not re.fullmatch(r"\d+(\.\d+)?", score):
                raise Refusing("Score must be numeric")
            if not 0 <= float(score) <= 1:
                raise Refusing("Score not between 0.0 and 1.0")
            self.grades[sourcedid] = float(score)
            return "Grade replace response", "<replaceResultResponse/>"
        if operation == "readResultRequest":
            share = self.grades.get(sourcedid)
            text = f"<textString>{'' if share is None else share}</textString>"
            result = f"<result><resultScore><language>en</language>{text}</resultScore></result>"
            return "Result read", f"<readResultResponse>{result}</readResultResponse>"
        if operation == "deleteResultRequest":
            self.grades[sourcedid] = None
        return "Grade delete request", "<deleteResultResponse/>"

    def _verify(self, headers: Any, body: bytes) -> None:
        pairs = re.findall(r'(\w+)="([^"]*)"', headers.get("Authorization", "").removeprefix("OAuth "))
        told = {name: unquote(value) for name, value in pairs if name != "realm"}
        if not told.get("oauth_consumer_key"):
            raise Refusing("Missing or invalid consumer key or access token.")
        given = told.pop("oauth_signature", "")
        digest = base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()
        parts = urlsplit(self.outcomes_url)
        url = parts._replace(netloc="127.0.0.1").geturl() if self.without_port else self.outcomes_url
        fresh = abs(time.time() - int(told.get("oauth_timestamp", "0"))) < 300
        good = hmac.compare_digest(signature("POST", url, list(told.items()), self.secret), given)
        xml = headers.get("Content-Type") == "application/xml"
        if not (fresh and good and xml and told["oauth_consumer_key"] == self.key):
            raise Refusing("Message signature not valid")
        if told.get("oauth_body_hash") != digest:
            raise Refusing("Message signature not valid")

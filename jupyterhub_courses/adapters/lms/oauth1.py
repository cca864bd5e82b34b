"""OAuth 1.0a as LTI 1.1 uses it: one shared secret, no token. Checks forms that LMSs signed, and signs what we send.

Only the base string is oauthlib's: its own checking and signing write what they sign, which names a person, into the
log at level DEBUG. https://www.rfc-editor.org/rfc/rfc5849#section-3.4
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from oauthlib.oauth1.rfc5849.signature import base_string_uri, normalize_parameters, signature_base_string
from oauthlib.oauth1.rfc5849.utils import escape

from ...core.lti11 import FIELDS_MAX, Signature, SignedForm

_DIGESTS: Final = {"HMAC-SHA1": "sha1", "HMAC-SHA256": "sha256"}


def is_signed(form: SignedForm, signature: Signature, secret: str) -> bool:
    """Whether whoever has `secret` signed this form for this address."""
    signed = [pair for pair in form.fields if pair[0] != "oauth_signature"]
    try:
        # Some LMSs (Moodle) put the query of the tool's address into the form as well, and sign it once.
        query = parse_qsl(urlsplit(form.url).query, keep_blank_values=True, max_num_fields=FIELDS_MAX)
        signed += [pair for pair in query if pair not in form.fields]
        wanted = _signature(signature.method, "POST", form.url, signed, secret)
    except ValueError:
        return False
    return hmac.compare_digest(wanted.encode(), signature.value.encode())


def authorization(url: str, body: bytes, key: str, secret: str, timestamp: int, nonce: str) -> str:
    """The header that signs a POST of `body` to `url`, the body by its hash (LTI 1.1 guide, 4.3)."""
    parameters = [
        ("oauth_body_hash", base64.b64encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()),
        ("oauth_consumer_key", key),
        ("oauth_nonce", nonce),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", str(timestamp)),
        ("oauth_version", "1.0"),
    ]
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    signature = _signature("HMAC-SHA1", "POST", url, [*parameters, *query], secret)
    told = [*parameters, ("oauth_signature", signature)]
    return "OAuth " + ",".join(f'{name}="{escape(value)}"' for name, value in told)


def _signature(method: str, verb: str, url: str, parameters: Iterable[tuple[str, str]], secret: str) -> str:
    # The default port of a scheme is no part of what is signed, any other is (3.4.1.2).
    address = base_string_uri(url.partition("?")[0])
    text = signature_base_string(verb, address, normalize_parameters(list(parameters)))
    key = f"{escape(secret)}&"
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), _DIGESTS[method])).decode()

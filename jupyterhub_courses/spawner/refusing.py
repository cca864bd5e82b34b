"""A start that is refused: one sentence for the person, a reference for the log, no stack trace."""

import secrets

from tornado import web

try:
    from jupyterhub.spawner import (
        SpawnException,
    )  # jupyterhub 6: counted as a refusal, not as a fault of the hub
except ImportError:
    SpawnException = None

from ..adapters.courses_api.hub import Refused
from ..core.refusals import STATUS
from ..core.sentences import SENTENCES, language_of, sentence

_WORDS = {"en": "Reference", "de": "Referenz"}


def refused_start(code, handler=None, *, refusal: Refused | None = None, log, server, cause=""):
    """The exception to raise for `code`; the hub shows its sentence on the page of the failed start.

    cause: what the log says beyond the code; the person does not see it.
    """
    language = language_of(handler.request.headers.get("Accept-Language")) if handler else "en"
    reference = (refusal and refusal.reference) or secrets.token_hex(4)
    known = code in SENTENCES or refusal is None or not refusal.message
    text = sentence(code, language) if known else refusal.message
    more = f"; {cause}" if cause else ""
    log.warning("Start of %s refused: %s (reference %s)%s", server, code, reference, more)
    status = refusal.status if refusal else STATUS.get(code, 403)
    message = f"{text} ({_WORDS[language]}: {reference})"
    if SpawnException is not None:
        error = SpawnException(message, reason=code, status_code=status, log_message=f"{code} (reference {reference})")
    else:
        error = web.HTTPError(status, f"{code} (reference {reference})")
    error.jupyterhub_message = message
    return error

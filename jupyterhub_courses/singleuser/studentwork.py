"""Shows what students wrote without running it: formgrader's pages have the rights of the hub's origin.

Filters for nbconvert's HTMLExporter, and a policy for the files of a submission. nbconvert's own filter would
take the head off every pandas table, and nbgrader's templates do not use it for Markdown.
"""

import re
from functools import cache
from typing import Any

import bleach
from jinja2 import pass_context
from jupyter_server.base.handlers import JupyterHandler
from nbconvert.exporters import HTMLExporter

_TAG_NAMES = (
    "a abbr acronym b blockquote br caption center cite code col colgroup dd del details dfn div dl dt em "
    "figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp small span strike strong "
    "sub summary sup table tbody td tfoot th thead tr tt u ul var wbr"
)
# No `id`: it could take the place of one that formgrader's own scripts look for.
_ATTRIBUTE_NAMES = "alt align border class colspan dir height href lang open rowspan scope src start title width"
_TAGS, _ATTRIBUTES = frozenset(_TAG_NAMES.split()), frozenset(_ATTRIBUTE_NAMES.split())
_PROTOCOLS = frozenset({"http", "https", "mailto", "data"})
# For the eye only; bleach makes them harmless, but would show their text.
_UNSEEN = re.compile(r"<(style|script)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)


def clean_html(html: str) -> str:
    """`html` without anything that runs or that loads anything but images."""
    return bleach.clean(_UNSEEN.sub("", html), tags=_TAGS, attributes=_allowed, protocols=_PROTOCOLS)


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """nbconvert's filter of this name, cleaned."""
    return clean_html(_exporter().markdown2html(context, source))


def sandbox_files() -> None:
    """Have formgrader send a submission's files so that a page among them is of no origin at all."""
    from nbgrader.server_extensions.formgrader.handlers import SubmissionFilesHandler

    def policy(handler: JupyterHandler) -> str:
        own: str = super(SubmissionFilesHandler, handler).content_security_policy
        return own + "; sandbox"

    SubmissionFilesHandler.content_security_policy = property(policy)


def _allowed(tag: str, name: str, value: str) -> bool:
    # data: for images that lie in the notebook, never for a page.
    is_image = (tag, name) == ("img", "src") and value.strip().lower().startswith("data:image/")
    return name in _ATTRIBUTES and (is_image or not value.strip().lower().startswith("data:"))


@cache
def _exporter() -> HTMLExporter:
    return HTMLExporter()

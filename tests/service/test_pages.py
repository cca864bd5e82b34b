"""Words, templates and the addresses that pages go on to."""

import ast
import re
from pathlib import Path

import pytest

from jupyterhub_courses.core.course_sentences import told
from jupyterhub_courses.core.score_sentences import SCORE_SENTENCES
from jupyterhub_courses.core.sentences import SENTENCES, language_of, sentence
from jupyterhub_courses.service import pages, words

TEMPLATES = Path(words.__file__).parent / "templates"


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_word_that_a_page_asks_for_is_there(language):
    asked = {name for t in TEMPLATES.glob("*.html") for name in re.findall(r"\bw\.(\w+)", t.read_text())}
    asked -= {"of", "why", "told"}
    assert asked
    w = words.words_in(language)
    assert all(getattr(w, name).strip() for name in asked)


def test_every_sentence_stands_in_both_languages():
    for code, texts in {**SENTENCES, **SCORE_SENTENCES}.items():
        assert texts.keys() == {"en", "de"} and all(texts.values()), code
    assert all(len(pair) == 2 and all(pair) for pair in words.WORDS.values())


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "en"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,de;q=0.5", "en"),
        ("fr,de;q=0.3,en;q=0.2", "de"),
        ("de;q=nonsense", "en"),
        ("x" * 10_000, "en"),
    ],
)
def test_the_readers_language_is_found(accept, language):
    assert language_of(accept) == language


PACKAGE = Path(words.__file__).parent.parent
TOLD_IN = ["adapters/store/courses.py", "adapters/store/files.py", "adapters/store/rosters.py"]
TOLD_IN += ["adapters/processes/host.py", "adapters/processes/starting.py", "usecases/provisioning.py"]
TOLD_IN += ["adapters/exchange_server/calls.py", "adapters/kubernetes/client.py", "adapters/kubernetes/host.py"]
TOLD_IN += ["core/standing.py", "core/policies.py", "core/manifests.py"]
TOLD_IN += ["core/copies.py", "adapters/kubernetes/copies.py"]


def told_texts():
    """Every sentence in the code of those parts that stands beside a course; whatever is filled in is `x, y`."""
    for path in TOLD_IN:
        tree = ast.parse((PACKAGE / path).read_text())
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        docs = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
        inner = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant) else "x, y" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inner:
                yield "" if node.value in docs else node.value


def test_what_happens_to_a_course_is_told_in_both_languages():
    texts = {text for text in told_texts() if re.fullmatch(r"([A-Z]|[a-z_.]+: ).* .*\.", text)}
    texts -= {"The course is x, y."}
    texts |= {f"The course is {state}." for state in ("pending", "progressing", "ready", "degraded", "deleting")}
    assert len(texts) > 30
    for text in texts:
        german = told(text, "de")
        assert german != text and german.count("x, y") == text.count("x, y") and told(text, "en") == text
    assert told("Something else.", "de") == "Something else."
    assert told("The image x cannot be pulled. The course is ready.", "de") == " ".join(
        told(one, "de") for one in ("The image x cannot be pulled.", "The course is ready.")
    )
    assert told("The course is ready. Something else.", "de") == "The course is ready. Something else."


def test_an_unknown_code_is_still_a_sentence():
    assert sentence("no-such-code", "de") == SENTENCES["internal"]["de"]


@pytest.mark.parametrize(
    ("target", "own"),
    [
        ("/user/ada/ml101/courses/open?assignment=ps1", True),
        ("/services/courses/ml101/", True),
        ("//evil.invalid/", False),
        ("https://evil.invalid/", False),
        ("/\\evil.invalid", False),
        ("/user//evil.invalid", False),
        ("/\tevil", False),
        ("/\x7f/evil", False),
        ("/a b", False),
        ("/\u2028/evil", False),
        ("javascript:alert(1)", False),
        ("", False),
        ("user/ada", False),
        ("/" + "a" * 3000, False),
    ],
)
def test_a_page_goes_on_to_this_hub_alone(target, own):
    assert pages.is_own_path(target, "/") is own


def test_below_a_base_url_only_that_base_is_ours():
    assert pages.is_own_path("/jupyter/user/ada", "/jupyter/")
    assert not pages.is_own_path("/other/user/ada", "/jupyter/")


def test_why_a_roster_was_not_read_is_a_sentence_on_its_page():
    for code in ("members_only_from_lms", "roster_incomplete"):
        assert words.words_in("de").why(code) == SCORE_SENTENCES[code]["de"]

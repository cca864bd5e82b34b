"""The teacher's dialogue over HTTP, at a real hub: what is shown, what is sent, and what does not work."""

import hashlib
import secrets
import sqlite3
import time

import pytest
import requests

from jupyterhub_courses.core.sentences import SENTENCES
from jupyterhub_courses.service.words import WORDS

from .conftest import DL, LTI, RETURN, World, found, keys

ROWS = ["assignment:ps1", "assignment:ps10", "assignment:Week <i>2", "course"]


def test_a_teachers_request_leads_to_the_list_of_the_course_without_any_cookie(world: World):
    page = world.page(world.code())
    assert page.status_code == 200 and not page.cookies
    assert keys(page) == ROWS
    assert WORDS["pick_titles"][0] in page.text and WORDS["pick_unreleased"][0] in page.text


def test_the_list_speaks_german(world: World):
    page = world.page(world.code(accept_multiple=False), "de")
    assert '<html lang="de">' in page.text and WORDS["pick_title"][1] in page.text


def test_frames_and_forms_are_allowed_to_the_lms_alone(world: World):
    code = world.code()
    for answer in (world.page(code), world.send(code, "course")):
        policy = answer.headers["Content-Security-Policy"]
        theirs = "https://lab.example http://127.0.0.1:9"
        assert f"frame-ancestors {theirs};" in policy and policy.endswith(f"form-action 'self' {theirs}")
        assert answer.headers["Referrer-Policy"] == "strict-origin"
        assert answer.headers["Cache-Control"] == "no-store"


def test_html_in_names_stays_text(with_materials: World):
    page = with_materials.page(with_materials.code())
    assert "<i>2" not in page.text and "<b>notes</b>" not in page.text
    assert "Week &lt;i&gt;2</label>" in page.text and "Lecture &lt;b&gt;notes&lt;/b&gt;" in page.text


def test_one_choice_goes_signed_to_the_return_address(world: World):
    answer = world.send(world.code(accept_multiple=False, data="their own"), "assignment:ps1")
    claims = world.claims(answer)
    assert f'action="{RETURN.replace("&", "&amp;")}"' in answer.text
    assert claims[LTI + "message_type"] == "LtiDeepLinkingResponse"
    assert claims[LTI + "version"] == "1.3.0"
    assert claims[LTI + "deployment_id"] == world.lab.deployment_id
    assert claims[DL + "data"] == "their own"
    (item,) = claims[DL + "content_items"]
    assert item["url"] == f"{world.system.base}/" and item["custom"] == {"assignment": "ps1"}
    assert item["lineItem"]["resourceId"] == "ps1" and item["lineItem"]["scoreMaximum"] == 100


def test_several_choices_go_together_in_the_lists_words(with_materials: World):
    world = with_materials
    page = world.page(world.code())
    notes = next(key for key in keys(page) if key.startswith("materials:"))
    answer = world.send(found(page, "code"), "assignment:ps10", notes, "course", **{f"path:{notes}": "week1/a.ipynb"})
    assert [item.get("custom") for item in world.items(answer)] == [
        {"assignment": "ps10"},
        {"git": "https://git.example.org/notes.git", "path": "week1/a.ipynb"},
        None,
    ]


def test_cancelling_sends_an_empty_list(world: World):
    assert world.items(world.send(world.code(), "assignment:ps1", cancel="1")) == []


@pytest.mark.parametrize(
    ("multiple", "picks", "word"),
    [
        (True, [], "pick_nothing"),
        (False, ["assignment:ps1", "course"], "pick_one"),
        (True, ["assignment:solutions"], "pick_gone"),
        (True, ["assignment:Week <i>2"], "pick_gone"),
        (True, ["git=https://evil.invalid/x.git"], "pick_gone"),
        (True, [f"assignment:{n}" for n in range(60)], "pick_too_many"),
    ],
)
def test_a_wrong_choice_is_told_on_our_own_page_and_can_be_mended(world: World, multiple, picks, word):
    code = world.code(accept_multiple=multiple)
    answer = world.send(code, *picks)
    assert (answer.status_code, "JWT" in answer.text) == (422, False)
    assert f'role="alert" id="wrong">{WORDS[word][0]}' in answer.text
    assert len(world.items(world.send(code, "course"))) == 1


def test_a_path_that_climbs_is_told_beside_its_field_and_what_was_chosen_stays_chosen(with_materials: World):
    world = with_materials
    page = world.page(world.code())
    notes = next(key for key in keys(page) if key.startswith("materials:"))
    answer = world.send(found(page, "code"), notes, "assignment:ps1", **{f"path:{notes}": '../"><script>'})
    assert answer.status_code == 422 and "<script>" not in answer.text
    assert WORDS["pick_path_wrong"][0] in answer.text and 'aria-invalid="true"' in answer.text
    assert answer.text.count(" checked") == 2


def refusal(answer: requests.Response, code: str, status: int = 400) -> bool:
    """It is a page that any frame may show, with this sentence."""
    framed = "frame-ancestors *;" in answer.headers["Content-Security-Policy"]
    return answer.status_code == status and framed and SENTENCES[code]["en"] in answer.text


def test_a_code_works_once_also_for_two_tabs(world: World):
    code = world.code()
    first, second = world.page(code), world.page(code)
    assert first.status_code == second.status_code == 200
    assert world.items(world.send(code, "course"))
    assert refusal(world.send(code, "assignment:ps1"), "selection_spent")
    assert refusal(world.page(code), "selection_spent")


def test_a_code_that_was_cancelled_is_spent(world: World):
    code = world.code()
    assert world.items(world.send(code, cancel="1")) == []
    assert refusal(world.send(code, "course"), "selection_spent")


@pytest.mark.parametrize("code", ["", "x", "A" * 32, "../../hub", "%00", "ü"])
def test_a_guessed_code_opens_nothing(world: World, code):
    assert refusal(world.page(code), "selection_spent")
    assert refusal(world.send(code, "course"), "selection_spent")


def test_a_code_for_something_else_or_too_old_opens_nothing(world: World):
    code = world.code()
    store = world.system.data / "courses.sqlite"
    with sqlite3.connect(store, timeout=30) as database:
        newest = "rowid = (SELECT max(rowid) FROM codes)"
        database.execute(f"UPDATE codes SET expires_at = '2020-01-01 00:00:00.000000' WHERE {newest}")
    assert refusal(world.page(code), "selection_spent")
    assert refusal(world.send(code, "course"), "selection_spent")
    # A code of another kind has another digest: it is not found, whatever it says it is for.
    link = secrets.token_urlsafe(24)
    digest = hashlib.sha256(f"login\0{link}".encode()).hexdigest()
    values = [digest, "login", "{}", "2999-01-01 00:00:00.000000"]
    with sqlite3.connect(store, timeout=30) as database:
        database.execute("INSERT INTO codes (digest, kind, data, expires_at) VALUES (?, ?, ?, ?)", values)
    assert refusal(world.page(link), "selection_spent")


def test_a_form_that_is_too_large_or_no_form_is_refused(world: World):
    code = world.code()
    answer = requests.post(world.url, data={"code": code, "pick": "x" * 300_000}, timeout=30)
    assert refusal(answer, "too_large", 413)
    answer = requests.post(world.url, data="&".join(["pick=x"] * 4000), timeout=30)
    assert refusal(answer, "bad_request")
    answer = requests.post(world.url, data=b"code=\xff\xfe%ff", timeout=30)
    assert answer.status_code == 400
    assert world.page(code).status_code == 200


def test_a_student_chooses_nothing(world: World):
    world.grace.launch("ML101")
    answer = world.ask(world.ada)
    assert answer.status_code == 403 and SENTENCES["teachers_only"]["en"] in answer.text


@pytest.mark.parametrize(
    "address",
    ["https://evil.invalid/return", "https://lab.example.evil.invalid/", "https://lab.example@evil.invalid/"],
)
def test_an_answer_goes_to_the_lms_alone(world: World, address):
    answer = world.ask(world.grace, deep_link_return_url=address)
    assert answer.status_code == 400 and SENTENCES["address_not_trusted"]["en"] in answer.text


def test_a_teacher_who_is_none_any_more_sends_nothing(world: World):
    world.grace.launch("LOST")
    code = world.code(course="LOST")
    student = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
    world.grace.browser.launch(world.lab, **world.grace.claims("LOST", roles=[student]))
    assert refusal(world.page(code), "teachers_only", 403)
    assert refusal(world.send(code, "course"), "teachers_only", 403)


def test_a_course_of_another_lms_with_the_same_id_is_another_list(world: World):
    code = world.code(world.olaf, deep_link_return_url="https://other.example/return")
    page = world.page(code)
    assert keys(page) in (["course"], []) and "ps1" not in page.text
    assert "frame-ancestors https://other.example" in page.headers["Content-Security-Policy"]


def test_the_first_request_of_a_course_shows_a_list_as_soon_as_there_is_one(world: World):
    code = world.code(course="FRESH")
    deadline = time.monotonic() + 60
    while 'http-equiv="refresh"' in (page := world.page(code)).text:
        assert 'id="cancel"' in page.text and 'name="pick"' not in page.text
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert keys(page) == ["course"] and WORDS["pick_none_yet"][0].split("“")[0] in page.text


def test_neither_codes_nor_tokens_nor_session_keys_stand_in_a_log(world: World):
    code = world.code()
    world.page(code)
    token = found(world.send(code, "assignment:ps1"), "JWT")
    world.send(code, "course")
    logs = "".join(path.read_text(errors="replace") for path in world.system.data.parent.rglob("*.log"))
    assert "SelectionPage" in logs
    assert not [secret for secret in (code, token, token.split(".")[1], "SECRETKEY") if secret in logs]

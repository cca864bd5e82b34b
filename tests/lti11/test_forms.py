"""Forms of LTI 1.1 and messages of Basic Outcomes as values: bounds, odd input, and what can never be sent."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_courses.adapters.lms.oauth1 import is_signed
from jupyterhub_courses.adapters.lms.outcomes import without_port
from jupyterhub_courses.core.answers import Answer, Scope, Verdict
from jupyterhub_courses.core.lti11 import (
    SignedForm,
    fields_of,
    form_as_json,
    form_from_json,
    launch_from_form,
    signature_of,
)
from jupyterhub_courses.core.outcomes import (
    ANSWER_MAX,
    outcome_of_replace,
    read_message,
    replace_message,
    result_of_read,
    status_of,
)
from jupyterhub_courses.core.records import Registration
from jupyterhub_courses.core.refusals import LaunchRefused
from jupyterhub_courses.core.roles import Role, role_from_claims
from jupyterhub_courses.core.scores import Desired, Result, shows

from .lms import ANSWER, SECRET, launch_fields, signed

URL = "https://hub.example.org/hub/lti11/launch"
REGISTRATION = Registration(1, 1, "lab", "https://lms.example.org", "k", (), "", None, None, None, SECRET)
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def form(**changes: str | None) -> SignedForm:
    return SignedForm(URL, tuple(launch_fields(**changes).items()))


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        ("Instructor", Role.INSTRUCTOR),
        ("Learner", Role.STUDENT),
        ("urn:lti:role:ims/lis/Learner", Role.STUDENT),
        ("urn:lti:role:ims/lis/Learner/NonCreditLearner", Role.STUDENT),
        ("urn:lti:role:ims/lis/Instructor", Role.INSTRUCTOR),
        ("urn:lti:role:ims/lis/Instructor/GuestInstructor", Role.INSTRUCTOR),
        ("urn:lti:role:ims/lis/TeachingAssistant", Role.GRADER),
        ("urn:lti:role:ims/lis/TeachingAssistant/TeachingAssistantSection", Role.GRADER),
        ("urn:lti:role:ims/lis/ContentDeveloper", Role.INSTRUCTOR),
        ("TeachingAssistant,Instructor", Role.GRADER),
        ("Learner, Instructor", Role.INSTRUCTOR),
        # An institution's role counts where there is none of the course (LTI 1.1 guide, A.2.3).
        ("urn:lti:instrole:ims/lis/Instructor", Role.INSTRUCTOR),
        ("urn:lti:instrole:ims/lis/Student", Role.STUDENT),
        ("urn:lti:instrole:ims/lis/Faculty,Learner", Role.STUDENT),
        ("urn:lti:instrole:ims/lis/Administrator", None),
        ("urn:lti:sysrole:ims/lis/SysAdmin", None),
        ("urn:lti:sysrole:ims/lis/Instructor", None),
        ("urn:lti:role:ims/lis/Mentor/Instructor", None),
        ("Instructor2", None),
        ("", None),
        (",,,", None),
    ],
)
def test_roles_of_lti_11(roles, role):
    assert role_from_claims(launch_from_form(form(roles=roles), REGISTRATION).roles) is role


def test_a_form_becomes_the_launch_that_an_id_token_would():
    launch = launch_from_form(form(custom_git="https://git.example.org/x", custom_branch="main"), REGISTRATION)
    assert (launch.issuer, launch.client_id, launch.sub, launch.deployment_id) == (REGISTRATION.issuer, "k", "5", "")
    assert launch.materials is not None and launch.materials.branch == "main"
    assert launch.result is None and launch.lineitems_url is None and launch.members_url is None


def test_a_name_that_the_lms_left_unreplaced_is_nobodys():
    names = launch_from_form(form(ext_user_username=None, custom_username="$User.username"), REGISTRATION)
    assert names.login_name is None
    assert launch_from_form(form(custom_assignment="$Assignment"), REGISTRATION).assignment is None


@pytest.mark.parametrize(
    "odd",
    [
        {"lis_result_sourcedid": "x" * 5000},
        {"lis_result_sourcedid": "a\0b"},
        {"lis_result_sourcedid": "a\nb"},
        {"lis_outcome_service_url": "https://lms.example.org/" + "x" * 2000},
        {"lis_outcome_service_url": ""},
        {"lis_outcome_service_url": "https://lms.example.org/ü"},
    ],
)
def test_an_odd_place_for_a_grade_is_none(odd):
    good = {"lis_result_sourcedid": "s", "lis_outcome_service_url": "https://lms.example.org/o"}
    assert launch_from_form(form(**good), REGISTRATION).result is not None
    assert launch_from_form(form(**{**good, **odd}), REGISTRATION).result is None


@given(st.dictionaries(st.sampled_from(sorted(launch_fields())), st.text(max_size=400)))
def test_whatever_a_form_says_becomes_a_bounded_launch_or_a_refusal(changes):
    try:
        launch = launch_from_form(form(**changes), REGISTRATION)
    except LaunchRefused as refusal:
        assert refusal.status in range(400, 500)
        return
    texts = [launch.sub, launch.context_id, launch.context_label, launch.context_title, *launch.names.values()]
    assert all(len(text) <= 255 and text.isprintable() for text in texts)
    assert launch.sub and launch.context_id and launch.resource_link_id


@given(st.binary(max_size=300))
def test_any_body_is_fields_or_a_refusal(body):
    try:
        assert all(len(pair) == 2 for pair in fields_of(body))
    except LaunchRefused as refusal:
        assert refusal.code in ("form_incomplete", "form_too_large")


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=80)), max_size=12))
def test_whatever_an_lms_signs_is_known_as_signed(pairs):
    unique = {n: v for n, v in pairs if not n.startswith("oauth_")}
    made = SignedForm(URL, tuple(signed(URL, unique).items()))
    assert is_signed(made, signature_of(made), SECRET)
    assert not is_signed(made, signature_of(made), SECRET + "x")


def test_a_form_survives_its_way_to_the_service():
    made = SignedForm(URL, tuple(signed(URL, launch_fields()).items()), "https://lms.example.org", "a1")
    assert form_from_json(form_as_json(made)) == made


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        {"url": URL, "fields": {}, "attempt": "a"},
        {"url": URL, "fields": [["a"]], "attempt": "a"},
        {"url": URL, "fields": [["a", 1]], "attempt": "a"},
        {"url": URL, "fields": [["a", "b"]] * 300, "attempt": "a"},
        {"url": URL, "fields": [["a", "b" * 70_000]], "attempt": "a"},
        {"url": "", "fields": [], "attempt": "a"},
        {"url": URL, "fields": [], "attempt": None},
    ],
)
def test_a_wrong_call_of_the_door_is_named(wrong):
    with pytest.raises(ValueError, match="fields|url"):
        form_from_json(wrong)


def test_a_secret_or_a_form_is_not_in_a_representation():
    made = SignedForm(URL, tuple(signed(URL, launch_fields()).items()))
    text = repr((made, signature_of(made), REGISTRATION))
    assert SECRET not in text and "Byronovna" not in text and dict(made.fields)["oauth_signature"] not in text


# -- outcomes


@given(
    st.floats(0, 1e9, allow_nan=False),
    st.floats(1e-3, 1e9, allow_nan=False),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1, max_size=100),
)
def test_nothing_that_is_sent_erases_a_grade_or_says_more_than_one(score, maximum, sourcedid):
    if not sourcedid.isprintable():
        return
    body = replace_message(sourcedid, Desired(score, maximum, NOW, "a comment"), "17")
    root = ElementTree.fromstring(body)
    names = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert "replaceResultRequest" in names and not [name for name in names if "delete" in name.lower()]
    texts = {element.tag.rpartition("}")[2]: element.text for element in root.iter()}
    share = texts["textString"]
    assert share and 0 <= float(share) <= 1 and "e" not in share and not share.endswith(".")
    assert shows(Result(float(share), 1.0), score, maximum)
    assert texts["sourcedId"] == sourcedid
    assert "resultScore" not in read_message(sourcedid, "18").decode()


@pytest.mark.parametrize(
    ("score", "maximum", "share"),
    [(8, 10, "0.8"), (0, 10, "0"), (10, 10, "1"), (12, 10, "1"), (1, 3, "0.3333333333"), (1e-9, 1, "0.000000001")],
)
def test_a_score_is_a_share_of_its_maximum(score, maximum, share):
    assert f"<textString>{share}</textString>" in replace_message("s", Desired(score, maximum, NOW), "1").decode()


def answer(text: str | bytes, status: int = 200, fault: str = "") -> Answer:
    return Answer(status, "text/html", text if isinstance(text, bytes) else text.encode(), fault=fault)


GOOD = ANSWER.format(code="success", text="Grade replace response", ref="1", operation="replaceResultRequest", body="")


def failing(text: str, operation: str = "replaceResultRequest", code: str = "failure") -> str:
    return ANSWER.format(code=code, text=text, ref="1", operation=operation, body="")


@pytest.mark.parametrize(
    ("given_", "verdict", "reason", "scope"),
    [
        (answer(GOOD), Verdict.DELIVERED, "", Scope.SCORE),
        (answer("\ufeff" + GOOD), Verdict.DELIVERED, "", Scope.SCORE),
        (answer(GOOD.replace("imsx_", "ims:imsx_")), Verdict.RETRY, "lms_nonsense", Scope.PLATFORM),
        (answer(GOOD.replace("success", "Success")), Verdict.DELIVERED, "", Scope.SCORE),
        (answer(GOOD, 201), Verdict.DELIVERED, "", Scope.SCORE),
        (answer(failing("", code="processing")), Verdict.RETRY, "lms_busy", Scope.SCORE),
        (answer(failing("", code="unsupported")), Verdict.REFUSED, "refused_by_lms", Scope.SCORE),
        (answer(failing("", code="")), Verdict.RETRY, "lms_nonsense", Scope.PLATFORM),
        # Moodle words it as its success; a locked grade is one reason
        (answer(failing("Grade replace response")), Verdict.RETRY, "lms_error", Scope.SCORE),
        (answer(failing("OAuth error", "")), Verdict.RETRY, "consumer_refused", Scope.COLUMN),
        (
            answer(failing("signature of student", "replaceResultRequest")),
            Verdict.REFUSED,
            "refused_by_lms",
            Scope.SCORE,
        ),
        (answer(failing("no such sourcedid"), 422), Verdict.REFUSED, "refused_by_lms", Scope.SCORE),
        (answer("", 401), Verdict.RETRY, "consumer_refused", Scope.COLUMN),
        (answer("", 403), Verdict.RETRY, "consumer_refused", Scope.COLUMN),
        (answer("", 404), Verdict.RETRY, "lms_error", Scope.SCORE),
        (answer("", 429), Verdict.RETRY, "lms_busy", Scope.PLATFORM),
        (answer(GOOD, 500), Verdict.RETRY, "lms_error", Scope.SCORE),
        (answer("", 400), Verdict.REFUSED, "refused_by_lms", Scope.SCORE),
        (answer("", 302), Verdict.RETRY, "lms_nonsense", Scope.PLATFORM),
        (answer(""), Verdict.RETRY, "lms_nonsense", Scope.PLATFORM),
        (answer("<html>down for maintenance</html>"), Verdict.RETRY, "lms_nonsense", Scope.PLATFORM),
        (answer(GOOD, 0, "timeout"), Verdict.RETRY, "lms_timeout", Scope.PLATFORM),
        (answer(GOOD, 0, "unreachable"), Verdict.RETRY, "lms_unreachable", Scope.PLATFORM),
    ],
)
def test_an_answer_is_judged(given_, verdict, reason, scope):
    outcome = outcome_of_replace(given_)
    assert (outcome.verdict, outcome.reason, outcome.scope) == (verdict, reason, scope)


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "hostile",
    [
        GOOD.replace("?>\n", f"?>\n{BOMB}").replace("774545580", "&b;").encode(),
        GOOD.replace("?>\n", '?>\n<!DOCTYPE x SYSTEM "file:///etc/passwd">').encode(),
        GOOD.replace("?>\n", "?>\n<!DoCtYpE x>").encode(),
        GOOD.replace("774545580", "&undeclared;").encode(),
        GOOD.replace("UTF-8", "UTF-16").encode("utf-16"),
        GOOD.replace("?>\n", f"?>\n{BOMB}").encode("utf-16"),
        GOOD.replace("UTF-8", "UTF-7").replace("?>\n", "?>\n+ADw-!DOCTYPE x>").encode(),
        GOOD.encode() + b" " * ANSWER_MAX,
        GOOD.encode()[:-20],
        b"\xff\xfe\xff",
        b"<a>" * 5000,
    ],
)
def test_a_hostile_answer_is_not_read(hostile):
    """It says success, yet a grade counts as sent only when a plain envelope says so."""
    assert status_of(answer(hostile)) is None
    assert outcome_of_replace(answer(hostile)).verdict is not Verdict.DELIVERED


@given(st.binary(max_size=400))
def test_any_answer_is_judged_without_an_error(body):
    assert outcome_of_replace(answer(body)).verdict is not Verdict.DELIVERED
    assert result_of_read(answer(body)) is None


@pytest.mark.parametrize("text", ["1.5", "-1", "nan", "inf", "many", "1,0"])
def test_a_reading_that_is_no_share_is_none(text):
    body = f"<textString>{text}</textString>"
    read = ANSWER.format(code="success", text="Result read", ref="1", operation="readResultRequest", body=body)
    assert result_of_read(answer(read)) is None


def test_an_address_without_its_port():
    assert without_port("http://127.0.0.1:8081/mod/lti/service.php") == "http://127.0.0.1/mod/lti/service.php"
    assert without_port("https://lms.example.org/o?x=1") == "https://lms.example.org/o?x=1"
    assert without_port("http://[::1]:8081/o") == "http://[::1]/o"

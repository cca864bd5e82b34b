"""`platforms …`: what each command asks for, prints and ends with."""

import io
import json

import pytest

MOODLE = "https://moodle.example.org"
REGISTRATION = {
    "client_id": "abc",
    "deployment_ids": ["1"],
    "authorize_url": f"{MOODLE}/mod/lti/auth.php",
    "token_url": f"{MOODLE}/mod/lti/token.php",
    "keyset_url": f"{MOODLE}/mod/lti/certs.php",
    "public_key": None,
    "lti": "1.3",
    "launched": True,
}
PLATFORM = {
    "name": "uni",
    "title": "University",
    "home": MOODLE,
    "issuer": MOODLE,
    "owner": "page",
    "course_creation": "on",
    "people": 12,
    "courses": 1,
    "registrations": [REGISTRATION],
    "tested": {"at": "2026-03-02T10:15:00Z", "right": True},
}


def asked(service):
    """The last request's method, path and body."""
    method, path, _, body = service.asked[-1]
    return method, path, body


@pytest.fixture
def platforms(command, service, data_dir):
    service.answers["GET", "platforms"] = (200, [PLATFORM])
    service.answers["GET", "platforms/uni"] = (200, PLATFORM)
    for name in ("uni", "new", "canvas"):
        service.answers["PUT", f"platforms/{name}"] = (200, {**PLATFORM, "name": name})

    def run(*arguments):
        return command("platforms", *arguments, "--data-dir", data_dir)

    return run


def test_list(platforms, service):
    assert platforms("list").out.splitlines()[1].split() == ["uni", MOODLE, "abc", "on", "right"]
    closed = {**PLATFORM, "registrations": [], "tested": None}
    service.answers["GET", "platforms"] = (200, [closed])
    assert "none: nobody gets in" in platforms("list").out
    service.answers["GET", "platforms"] = (200, [])
    assert platforms("list").out.strip() == "There is no platform yet."
    assert json.loads(platforms("list", "--json").out) == []


def test_show_tells_everything_that_counts(platforms, service):
    told = platforms("show", "uni").out
    for words in ("uni (University)", "12 people, 1 course", "client id abc", "deployment ids  1", "have arrived"):
        assert words in told
    odd = {**REGISTRATION, "deployment_ids": [], "token_url": None, "keyset_url": None, "client_id": "x\x1b[2Jy"}
    old = {**REGISTRATION, "client_id": "key", "lti": "1.1"}
    service.answers["GET", "platforms/uni"] = (200, {**PLATFORM, "owner": "file", "registrations": [odd, old]})
    told = platforms("show", "uni").out
    assert "\x1b" not in told
    for words in ("every launch is refused", "no scores", "a pasted public key", "key (LTI 1.1)", "the courses file"):
        assert words in told


def test_a_moodle_is_added_by_its_address(platforms, service):
    outcome = platforms("add", "new", "--moodle", f"{MOODLE}/", "--client-id", "c", "--deployment-id", "2")
    assert outcome.status == 0 and "platforms test new" in outcome.out
    urls = {name: REGISTRATION[name] for name in ("authorize_url", "token_url", "keyset_url")}
    registration = {**urls, "client_id": "c", "deployment_ids": ["2"]}
    assert asked(service) == ("PUT", "platforms/new", {"issuer": MOODLE, "registrations": [registration]})


def test_a_canvas_institution_is_added_by_its_address(platforms, service):
    ids = ("--client-id", "10000000000001", "--deployment-id", "1:a")
    platforms("add", "canvas", "--canvas", "uni.instructure.com", *ids, "--course-creation", "on", "--title", "Uni")
    _, _, body = asked(service)
    (registration,) = body.pop("registrations")
    assert body == {
        "issuer": "https://canvas.instructure.com",
        "home": "https://uni.instructure.com",
        "title": "Uni",
        "course_creation": "on",
    }
    assert registration["token_url"] == "https://uni.instructure.com/login/oauth2/token"
    assert registration["client_id"] == "10000000000001" and registration["deployment_ids"] == ["1:a"]


def test_any_lms_is_added_by_its_values_and_with_a_pasted_key(platforms, service, tmp_path):
    pem = tmp_path / "lms.pem"
    pem.write_text("-----BEGIN PUBLIC KEY-----\nAA==\n-----END PUBLIC KEY-----\n")
    platforms(
        *("add", "new", "--issuer", "https://lms", "--client-id", "c", "--deployment-id", "1", "--deployment-id", "2"),
        *("--authorize-url", "https://lms/a", "--token-url", "https://lms/t", "--public-key", pem),
    )
    assert asked(service)[2]["registrations"] == [
        {
            "client_id": "c",
            "deployment_ids": ["1", "2"],
            "authorize_url": "https://lms/a",
            "token_url": "https://lms/t",
            "public_key": pem.read_text(),
        }
    ]
    for path in (tmp_path / "missing.pem", tmp_path):
        assert platforms("add", "new", "--client-id", "c", "--public-key", path).status == 2
    pem.write_text("-----BEGIN PRIVATE KEY-----")
    assert "no public key" in platforms("add", "new", "--client-id", "c", "--public-key", pem).err


def test_a_deployment_id_is_added_to_the_only_registration(platforms, service):
    platforms("add", "uni", "--deployment-id", "7")
    (registration,) = asked(service)[2]["registrations"]
    assert registration["client_id"] == "abc" and registration["deployment_ids"] == ["7"]
    assert registration["authorize_url"] == REGISTRATION["authorize_url"]
    two = {**PLATFORM, "registrations": [REGISTRATION, {**REGISTRATION, "client_id": "def"}]}
    service.answers["GET", "platforms"] = (200, [two])
    assert "--client-id" in platforms("add", "uni", "--deployment-id", "7").err
    platforms("add", "uni", "--deployment-id", "7", "--client-id", "def")
    assert asked(service)[2]["registrations"][0]["client_id"] == "def"


def test_a_title_alone_changes_nothing_else(platforms, service):
    platforms("add", "uni", "--title", "Another")
    body = asked(service)[2]
    assert body["title"] == "Another" and body["registrations"][0]["deployment_ids"] == ["1"]


def test_a_refused_platform_is_told_with_all_its_mistakes(platforms, service):
    service.answers["PUT", "platforms/new"] = (400, {"message": "No.", "problems": ["new: issuer: must not be empty"]})
    outcome = platforms("add", "new", "--client-id", "c")
    assert outcome.status == 1 and outcome.err.splitlines() == ["No.", "new: issuer: must not be empty"]
    assert platforms("add", "new", "--moodle", "https://a", "--canvas", "b").status == 2


@pytest.mark.parametrize(("typed", "status"), [("uni\n", 0), ("other\n", 1), ("", 1)])
def test_removing_asks_for_the_name_again(platforms, service, monkeypatch, typed, status):
    service.answers["DELETE", "platforms/uni"] = (200, {"people": 12, "courses": 1})
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    outcome = platforms("remove", "uni")
    assert outcome.status == status
    assert ("12 people and 1 courses are kept" in outcome.out) == (status == 0) == bool(service.asked)


def test_one_registration_is_removed_and_one_that_a_file_named(platforms, service):
    service.answers["DELETE", "platforms/uni?client_id=a%26b&taken_out=1"] = (200, {"people": 0, "courses": 0})
    outcome = platforms("remove", "uni", "--client-id", "a&b", "--taken-out", "--yes")
    assert outcome.status == 0 and outcome.out.strip().endswith("Registration a&b of uni: removed.")


def test_moving_asks_for_the_name_again(platforms, service, monkeypatch):
    service.answers["POST", "platforms/uni/move"] = (200, PLATFORM)
    monkeypatch.setattr("sys.stdin", io.StringIO("no\n"))
    assert platforms("move", "uni", "https://new").status == 1 and service.asked == []
    assert platforms("move", "uni", "https://new", "--yes").status == 0
    assert asked(service) == ("POST", "platforms/uni/move", {"issuer": "https://new"})


def test_a_test_is_told_step_by_step_and_ends_with_its_result(platforms, service):
    steps = [
        {"step": "keyset", "title": "The LMS's keys", "state": "ok", "code": "keyset_ok", "text": "Reachable."},
        {"step": "token", "title": "Access token", "state": "wrong", "code": "x", "text": "It \x1b[2Jrefuses."},
        {"step": "redirect", "title": "Redirect address", "state": "look", "code": "y", "text": "Look."},
    ]
    report = {"platform": "uni", "right": False, "registrations": [{"client_id": "abc", "steps": steps}]}
    service.answers["POST", "platforms/uni/test"] = (200, report)
    outcome = platforms("test", "uni")
    assert outcome.status == 1
    assert outcome.out.splitlines() == [
        "uni, client id abc",
        "  ok     The LMS's keys: Reachable.",
        "  WRONG  Access token: It  [2Jrefuses.",
        "  look   Redirect address: Look.",
    ]
    service.answers["POST", "platforms/uni/test"] = (200, {**report, "right": True})
    assert platforms("test", "uni").out.splitlines()[-1] == "Nothing is wrong."
    assert json.loads(platforms("test", "uni", "--json").out)["right"] is True


@pytest.mark.parametrize("arguments", [[], ["bogus"], ["add"], ["show"], ["test", "a", "b"], ["move", "a"]])
def test_wrong_use_ends_with_2(platforms, service, arguments):
    assert platforms(*arguments).status == 2
    assert service.asked == []

"""What each command sends, prints and ends with; a wrong file or a missing service is told in sentences."""

import io
import json

import pytest

from jupyterhub_courses import __version__

GOOD = "courses:\n  - {slug: ml101, title: Machine Learning, memory: 2G}\n"
WRONG = 'courses:\n  - slug: ml101\n    title: ML\n    memory: "2 GB"\n'


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "courses.yaml"
    path.write_text(GOOD)
    return path


def test_version(command):
    assert command("version").out.strip() == __version__


def test_check_needs_no_service_and_names_what_one_machine_cannot_give(command, good):
    outcome = command("check", good)
    assert outcome.status == 0
    assert "0 platforms, 1 course." in outcome.out and "ml101: memory is not enforced on one machine" in outcome.out


def test_a_wrong_file_is_refused_before_anything_is_asked(command, service, data_dir, tmp_path):
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG)
    for arguments in (["check", path], ["apply", path, "--data-dir", data_dir]):
        outcome = command(*arguments)
        assert outcome.status == 3
        assert 'ml101: line 4, memory: "2 GB" is not a size' in outcome.err and "1 mistake;" in outcome.err
    assert service.asked == []


@pytest.mark.parametrize("name", ["missing.yaml", ""])
def test_a_file_that_cannot_be_read(command, name):
    outcome = command("check", name or ".")
    assert outcome.status == 2 and "cannot be read" in outcome.err


def test_a_file_of_other_bytes(command, tmp_path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    assert "not a text file in UTF-8" in command("check", path).err


def test_apply_of_platforms_alone_says_that_of_courses_nothing_changes(command, service, data_dir, good):
    service.answers["POST", "apply"] = (200, {"changes": [], "notes": ["platform northfield: new"]})
    outcome = command("apply", good, "--data-dir", data_dir)
    assert outcome.out.splitlines() == ["No course changes.", "note: platform northfield: new", "Done."]


def test_apply_sends_the_specs_with_the_machines_own_secret(command, service, data_dir, good):
    changes = [
        {"course": "ml101", "kind": "change", "fields": {"memory.limit": [1, 2], "title": [None, "ML"]}},
        {"course": "old", "kind": "delete", "fields": {}},
        {"course": "same", "kind": "keep", "fields": {}},
    ]
    service.answers["POST", "apply"] = (200, {"changes": changes, "notes": ["ml101: memory is …"]})
    outcome = command("apply", good, "--dry-run", "--data-dir", data_dir)
    assert outcome.status == 0
    assert outcome.out.splitlines() == [
        "~ ml101: change",
        "    memory.limit: 1 → 2",
        "    title: ML",
        "- old: delete",
        "  1 unchanged",
        "note: ml101: memory is …",
        "This was a dry run: nothing was changed.",
    ]
    ((method, path, token, body),) = service.asked
    assert (method, path, token) == ("POST", "apply", "token secret")
    assert body["dry_run"] is True and body["courses"][0]["memory"] == {"guarantee": None, "limit": 2**31}


def test_apply_prints_the_answer_as_json(command, service, data_dir, good):
    service.answers["POST", "apply"] = (200, {"changes": [], "notes": []})
    outcome = command("apply", good, "--json", "--data-dir", data_dir)
    assert json.loads(outcome.out) == {"changes": [], "notes": []}
    assert service.asked[0][3]["dry_run"] is False


def test_a_refusal_is_the_services_own_sentence(command, service, data_dir, good):
    service.answers["POST", "apply"] = (
        409,
        {"code": "x", "message": "ml101 is being deleted.", "reference": "ab12cd34"},
    )
    outcome = command("apply", good, "--data-dir", data_dir)
    assert outcome.status == 1 and outcome.err.strip() == "ml101 is being deleted. (reference ab12cd34)"


@pytest.mark.parametrize("answer", [(200, "<html>"), (500, "<html>"), (302, "")])
def test_an_answer_that_is_no_answer(command, service, data_dir, answer):
    service.answers["GET", "courses"] = answer
    outcome = command("courses", "--data-dir", data_dir)
    assert outcome.status == 1 and outcome.out == "" and "courses service" in outcome.err


def test_a_remote_service_is_asked_with_a_token_from_the_environment(command, service, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_COURSES_TOKEN", "mine")
    service.answers["GET", "courses"] = (
        200, [{"slug": "ml101", "title": "ML\x1b[2J", "state": "ready", "reason": ""}]
    )  # fmt: skip
    outcome = command("courses", "--url", service.url.rstrip("/"))
    assert service.asked[0][2] == "token mine"
    assert [line.split() for line in outcome.out.splitlines()] == [
        ["COURSE", "TITLE", "STATE", "REASON"],
        ["ml101", "ML", "[2J", "ready"],
    ]


def test_the_configuration_file_names_the_service_and_options_win_over_it(command, service, tmp_path):
    config = tmp_path / "somewhere.py"
    config.write_text(f"c.JupyterHubCourses.url = {service.url!r}\nc.JupyterHubCourses.token = 'filed'\n")
    service.answers["GET", "courses"] = (200, [])
    assert command("courses", "--config", config).out.strip() == "There is no course yet."
    command("courses", "--config", config, "--token", "given")
    assert [token for _, _, token, _ in service.asked] == ["token filed", "token given"]


def test_the_configuration_file_of_the_folder_is_read(command, service, tmp_path):
    text = f"c.JupyterHubCourses.url = {service.url!r}\nc.JupyterHubCourses.token = 'filed'\n"
    tmp_path.joinpath("jupyterhub_courses_config.py").write_text(text)
    service.answers["GET", "courses"] = (200, [])
    assert command("courses").status == 0


def test_nobody_there(command, tmp_path):
    assert "No running courses service is known here" in command("courses", "--data-dir", tmp_path).err
    away = command("courses", "--url", "http://127.0.0.1:1/services/courses", "--token", "x")
    assert away.status == 1 and "cannot be reached: is it running?" in away.err
    assert command("courses", "--url", "http://127.0.0.1:1").status == 2


def test_delete(command, service, data_dir):
    service.answers["DELETE", "courses/ml101?confirm=ml101"] = (202, {})
    assert command("delete", "ml101", "--yes", "--data-dir", data_dir).out.strip() == "ml101 is being deleted."


def test_deleting_erases_only_when_asked_in_words(command, service, data_dir, monkeypatch):
    service.answers["DELETE", "courses/ml101?confirm=ml101&volumes=erase"] = (202, {})
    monkeypatch.setattr("sys.stdin", io.StringIO("ml101\n"))
    outcome = command("delete", "ml101", "--erase", "--data-dir", data_dir)
    assert outcome.status == 0 and "EVERYTHING its people made is erased" in outcome.out


@pytest.mark.parametrize(("typed", "status"), [("ml101\n", 0), ("ml102\n", 1), ("", 1)])
def test_deleting_asks_for_the_name_again(command, service, data_dir, monkeypatch, typed, status):
    service.answers["DELETE", "courses/ml101?confirm=ml101"] = (202, {})
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert command("delete", "ml101", "--data-dir", data_dir).status == status
    assert len(service.asked) == (1 if status == 0 else 0)


def test_a_name_that_is_none_is_not_sent(command, service, data_dir):
    assert command("delete", "../ml101", "--data-dir", data_dir).status == 2
    assert service.asked == []


def test_scores_as_columns_and_as_csv_that_no_spreadsheet_runs(command, service, data_dir):
    row = {"username": "ada", "assignment": "ps1", "score": 9.0, "max_score": 10.0, "state": "refused"}
    service.answers["GET", "courses/ml101/scores?all=1"] = (
        200,
        [{**row, "reason": "=HYPERLINK(1)", "sent_at": None}],
    )
    assert "USERNAME" in command("scores", "ml101", "--data-dir", data_dir).out
    lines = command("scores", "ml101", "--csv", "--data-dir", data_dir).out.splitlines()
    assert lines == [
        "username,assignment,score,max_score,state,reason,sent_at,lms_score",
        "ada,ps1,9.0,10.0,refused,'=HYPERLINK(1),,",
    ]


@pytest.mark.parametrize("arguments", [[], ["bogus"], ["check"], ["apply", "a", "b"], ["courses", "x"]])
def test_wrong_use_ends_with_2(command, arguments):
    assert command(*arguments).status == 2


@pytest.mark.parametrize("students", ["2", "31"])
def test_the_story_has_bounds(command, students):
    outcome = command("demo", "--check", "--students", students)
    assert outcome.status == 2 and "--students must be from 3 to 30" in outcome.err

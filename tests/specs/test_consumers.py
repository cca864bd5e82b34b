"""Consumers of LTI 1.1 in a courses file: what is refused, and that no message ever shows a secret."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jupyterhub_courses.cli.client import CommandError
from jupyterhub_courses.cli.files import checked_file, with_secrets
from jupyterhub_courses.core.filecheck import check_data, check_text
from jupyterhub_courses.core.platforms import of_spec
from jupyterhub_courses.core.presence import Present
from jupyterhub_courses.usecases.applying import Applying, WrongFile

SECRET = "a-secret-of-the-lms-1"
REGISTRATION = {
    "client_id": "abc",
    "deployment_ids": ["1"],
    "authorize_url": "https://lms.example.org/auth",
    "token_url": "https://lms.example.org/token",
    "keyset_url": "https://lms.example.org/keys",
}


def file(*consumers: dict, name: str = "old", **more) -> dict:
    platform = {"name": name, "issuer": f"https://{name}.example.org", "consumers": list(consumers), **more}
    return {"platforms": [platform], "courses": []}


def messages(data: dict) -> list[str]:
    return [str(problem) for problem in check_data(data).problems]


def test_a_platform_may_have_consumers_and_no_registration():
    checked = check_data(file({"key": "k", "secret": SECRET}))
    assert checked.problems == () and checked.file is not None
    _, (consumer,) = of_spec(checked.file.platforms[0])
    assert (consumer.client_id, consumer.secret, consumer.authorize_url) == ("k", SECRET, "")
    assert consumer.is_lti11 and consumer.issuer == "https://old.example.org"


def test_it_may_have_both():
    data = file({"key": "k", "secret": SECRET}, registrations=[REGISTRATION])
    checked = check_data(data)
    assert checked.file is not None
    assert [r.is_lti11 for r in of_spec(checked.file.platforms[0])[1]] == [False, True]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (file(), "needs registrations (LTI 1.3) or consumers (LTI 1.1)"),
        (file({"key": "k"}), "needs either secret or secret_file"),
        (file({"key": "k", "secret": SECRET, "secret_file": "x"}), "needs either secret or secret_file"),
        (file({"secret": SECRET}), "key: is missing"),
        (file({"key": "", "secret": SECRET}), "must not be empty"),
        (file({"key": "k", "secret": "x"}), "a secret has at least 16"),
        (file({"key": "k", "secret": SECRET * 30}), "a secret has at least 16"),
        (file({"key": "k", "secret": SECRET + "\n" + SECRET}), "on one line"),
        (file({"key": "k", "secret": 1234567890123456}), "is not text"),
        (file({"key": "k", "secret": [SECRET]}), "is not text"),
        (file({"key": "k", "secret": SECRET}, {"key": "k", "secret": SECRET + "2"}), "stands already"),
        (file({"key": "abc", "secret": SECRET}, registrations=[REGISTRATION]), "is a client_id of registrations, too"),
    ],
)
def test_a_wrong_consumer_is_named_without_its_secret(data, words):
    found = messages(data)
    assert len(found) == 1 and words in found[0], found
    assert SECRET not in str(found) and "1234567890123456" not in str(found)


def test_two_platforms_cannot_have_one_key():
    one, two = file({"key": "k", "secret": SECRET}), file({"key": "k", "secret": SECRET + "2"}, name="other")
    found = messages({"platforms": one["platforms"] + two["platforms"], "courses": []})
    assert len(found) == 1 and "key k of LTI 1.1 belongs to platform old" in found[0], found
    assert SECRET not in found[0]


def test_a_problem_is_told_with_its_line():
    text = "platforms:\n- name: old\n  issuer: https://old.example.org\n  consumers:\n  - key: k\n    secret: short\n"
    (problem,) = check_text(text).problems
    assert (problem.where, problem.line, problem.field) == ("old", 6, "consumers[1].secret")
    assert "short" not in str(problem)


def test_a_secret_is_in_no_representation():
    checked = check_data(file({"key": "k", "secret": SECRET}))
    assert checked.file is not None
    assert SECRET not in repr(checked) + str(checked.file.platforms[0]) + repr(of_spec(checked.file.platforms[0]))


def test_a_secret_may_lie_in_a_file_beside_the_courses_file(tmp_path: Path):
    (tmp_path / "old-lms.secret").write_text(f"{SECRET}\n")
    courses = tmp_path / "courses.yaml"
    courses.write_text(json.dumps(file({"key": "k", "secret_file": "old-lms.secret"})))
    found = with_secrets(checked_file(str(courses)), tmp_path)
    assert [c.secret for c in found.platforms[0].consumers] == [SECRET]
    assert check_data(found.model_dump(mode="json")).problems == ()


@pytest.mark.parametrize("content", [None, "", "short", "two\nlines-of-a-secret", "\xff"])
def test_a_file_without_a_secret_is_named(tmp_path: Path, content: str | None):
    if content is not None:
        (tmp_path / "old-lms.secret").write_bytes(content.encode("latin-1"))
    courses = tmp_path / "courses.yaml"
    courses.write_text(json.dumps(file({"key": "k", "secret_file": "old-lms.secret"})))
    with pytest.raises(CommandError, match="secret_file old-lms.secret cannot be read as a secret") as caught:
        with_secrets(checked_file(str(courses)), tmp_path)
    assert content is None or content == "" or content not in str(caught.value)


class Files:
    """A store with nothing in it."""

    async def present(self) -> Present:
        return Present(courses=(), contexts={}, platforms={})


async def test_the_service_takes_no_secret_that_is_still_in_a_file():
    applying = Applying(Files(), lambda: None, lambda: datetime.now(UTC), on_one_machine=True)
    with pytest.raises(WrongFile) as caught:
        await applying.apply(file({"key": "k", "secret_file": "/etc/passwd"}), True, datetime.now(UTC))
    assert "the secret of k is in a file" in caught.value.problems[0]


async def test_a_difference_shows_no_secret():
    applying = Applying(Files(), lambda: None, lambda: datetime.now(UTC), on_one_machine=True)
    told = await applying.apply(file({"key": "k", "secret": SECRET}), True, datetime.now(UTC))
    assert "platform old" in str(told) and SECRET not in str(told)


def test_check_shows_no_secret(tmp_path: Path):
    courses = tmp_path / "courses.yaml"
    for secret in (SECRET, SECRET[:9]):
        courses.write_text(json.dumps(file({"key": "k", "secret": secret})))
        command = [sys.executable, "-c", "from jupyterhub_courses.cli import main; main()", "check", str(courses)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == (0 if secret == SECRET else 3), done
        assert secret not in done.stdout + done.stderr

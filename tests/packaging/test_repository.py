"""The repository speaks of the project alone: locks have hashes and no hosts, no file names somebody's machine."""

import re
import subprocess

import pytest

IMAGES = ("hub", "service", "ngshare", "singleuser")


@pytest.fixture(scope="module")
def texts(root) -> dict[str, str]:
    """Every text file that belongs to the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    found = {}
    for name in listed.stdout.splitlines():
        try:
            found[name] = (root / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError):
            continue  # a picture; a file that was removed a moment ago
    return found


def test_no_file_names_a_package_index(texts):
    host = re.compile(r"(pypi|pythonhosted|npmjs|yarnpkg)\.(org|com)")
    assert [name for name, text in texts.items() if host.search(text)] == []


def test_no_file_names_somebodys_machine(texts):
    place = re.compile(r"(^|[\s\"'`(=])/(work|root|farm|tmp/lab)/")
    assert [name for name, text in texts.items() if place.search(text)] == []


@pytest.mark.parametrize("lock", ["build", "demo", "test", "hub55", *(f"image-{name}" for name in IMAGES)])
def test_every_locked_requirement_has_hashes(lock, root):
    text = (root / "requirements" / f"{lock}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if "==" in line and not line.lstrip().startswith("#")]
    assert lines and all("--hash=sha256:" in line for line in lines)


def test_the_tests_run_with_what_the_demo_runs_with(root):
    def versions(lock: str) -> set[str]:
        return set(re.findall(r"^\S+==\S+", (root / "requirements" / lock).read_text(), re.MULTILINE))

    assert versions("demo.txt") <= versions("test.txt")


def test_the_proxys_lock_names_no_place(root):
    assert '"resolved"' not in (root / "proxy" / "package-lock.json").read_text()

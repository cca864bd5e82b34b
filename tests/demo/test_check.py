"""The whole story, by HTTP and real processes: what `jupyterhub-courses demo --check` plays."""

import json
import subprocess
import sys

import pytest


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("chp")
def test_the_story_ends_with_exactly_the_grades_of_its_table(tmp_path):
    command = [sys.executable, "-c", "from jupyterhub_courses.cli import main; main()", "demo"]
    story = [*command, "--data-dir", str(tmp_path / "state"), "--check", "--students", "3", "--json"]
    told = subprocess.run(story, capture_output=True, text=True, timeout=880, check=False)
    assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]
    assert json.loads(told.stdout.splitlines()[-1])["kind"] == "right"

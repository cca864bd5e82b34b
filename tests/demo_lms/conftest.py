from collections.abc import Iterator
from pathlib import Path

import pytest

from .lab import Lab, running_lms


@pytest.fixture
def lms(tmp_path: Path) -> Iterator[Lab]:
    """A fresh LMS with the recorded Moodle's people and courses, and the control API."""
    with running_lms(tmp_path / "lms") as lab:
        yield lab

"""The roster in the gradebook: there before the first submission, and never at the cost of one."""

from pathlib import Path

from nbgrader.api import Gradebook

from jupyterhub_courses.adapters.gradebook.database import open_gradebook
from jupyterhub_courses.adapters.gradebook.writing import (
    RosterChanges,
    Student,
    create_gradebook,
    write_roster,
)

ADA = Student("ada", "Ada", "Lovelace", "ada@example.org", "17")
BOB = Student("bob", "Bob", None, None, "18")


def left(student: Student) -> Student:
    return Student(student.id, None, None, None, None, enrolled=False)


def write(path: Path, *students: Student) -> RosterChanges:
    return write_roster(open_gradebook(f"sqlite:///{path}", writable=True), students)


def students(path: Path) -> dict[str, tuple]:
    with Gradebook(f"sqlite:///{path}", "ml101") as gradebook:
        return {s.id: (s.first_name, s.last_name, s.email, s.lms_user_id) for s in gradebook.students}


def test_names_and_lms_ids_are_there_before_the_first_submission(gradebook_path: Path) -> None:
    assert write(gradebook_path, ADA, BOB) == RosterChanges(2, 0, 0)
    assert students(gradebook_path) == {
        "ada": ("Ada", "Lovelace", "ada@example.org", "17"),
        "bob": ("Bob", None, None, "18"),
    }


def test_writing_the_same_roster_again_changes_nothing(gradebook_path: Path) -> None:
    write(gradebook_path, ADA, BOB)
    before = gradebook_path.read_bytes()
    assert write(gradebook_path, ADA, BOB) == RosterChanges(0, 0, 0)
    assert gradebook_path.read_bytes() == before


def test_a_new_name_replaces_the_old_one(gradebook_path: Path) -> None:
    write(gradebook_path, ADA)
    assert write(gradebook_path, Student("ada", "Ada", "King", None, "17")) == RosterChanges(0, 1, 0)
    assert students(gradebook_path)["ada"] == ("Ada", "King", None, "17")


def test_a_student_made_by_autograding_gets_a_name(gradebook_path: Path) -> None:
    with Gradebook(f"sqlite:///{gradebook_path}", "ml101") as gradebook:
        gradebook.update_or_create_student("ada")
    write(gradebook_path, ADA)
    assert students(gradebook_path)["ada"][0] == "Ada"


def test_who_left_without_a_submission_is_removed_and_who_has_one_stays(gradebook_path: Path) -> None:
    write(gradebook_path, ADA, BOB)
    with Gradebook(f"sqlite:///{gradebook_path}", "ml101") as gradebook:
        gradebook.add_assignment("ps1")
        gradebook.add_submission("ps1", "ada")
    assert write(gradebook_path, left(ADA), left(BOB)) == RosterChanges(0, 0, 1)
    assert students(gradebook_path) == {"ada": ("Ada", "Lovelace", "ada@example.org", "17")}


def test_people_the_roster_does_not_name_are_left_alone(gradebook_path: Path) -> None:
    with Gradebook(f"sqlite:///{gradebook_path}", "ml101") as gradebook:
        gradebook.add_student("guest", first_name="Grace")
    write(gradebook_path, ADA)
    assert "guest" in students(gradebook_path)


def test_a_gradebook_is_made_once_and_nbgrader_takes_it_for_its_own(tmp_path: Path) -> None:
    path = tmp_path / "course" / "gradebook.db"
    create_gradebook(f"sqlite:///{path}", "ml101")
    write(path, ADA)
    create_gradebook(f"sqlite:///{path}", "ml101")
    assert set(students(path)) == {"ada"}

"""Who plays in ml101, and the grade that must stand in Moodle: numbers written by hand, of 100."""

from dataclasses import dataclass

from jupyterhub_courses.demo.story.table import Work

PROBLEM_SET = "Problem set 1"


@dataclass(frozen=True)
class Row:
    work: Work | None  # None: never clicks
    grade: float | None


#: 10 points in all: 3 for squares, 3 for their sum, 4 for the explanation; Moodle's column has 100.
ML101 = {
    "student1": Row(Work(), 100.0),
    "student2": Row(Work(total="wrong", explanation=2), 50.0),
    "student3": Row(Work(explanation=1), 70.0),
    "student4": Row(None, None),
    "student5": Row(Work(explanation=0), 60.0),
}
GRADES = {username: row.grade for username, row in ML101.items()}

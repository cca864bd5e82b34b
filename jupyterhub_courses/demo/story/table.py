"""Who plays, what each hands in, and the grade that must stand in the LMS: numbers written by hand.

Problem set 1 gives 3 points for `squares`, 3 for `sum_of_squares` (tests) and 4 for an explanation (a
teacher). Late work loses one point a day begun; everybody late here is late by minutes.
"""

from dataclasses import dataclass

from ..worlds import Course, LmsRole, Person, Site, World, problem_sets

ITEM = "Problem set 1"
ASSIGNMENT = "ps1"


@dataclass(frozen=True)
class Work:
    """What is handed in and how its explanation is marked. `corrected`: points for `squares` by hand."""

    squares: str = "right"  # right | unchecked (fails a hidden test: no points until corrected)
    total: str = "right"  # right | wrong
    explanation: int = 4
    corrected: int | None = None
    regraded: int | None = None  # the explanation's points after a second look
    when: str = "in time"  # in time | late | joined (enrolled while the others work already)


@dataclass(frozen=True)
class Row:
    given: str
    family: str
    course: str
    work: Work | None  # None: never comes
    grade: float | None
    before_regrade: float | None = None

    @property
    def username(self) -> str:
        return self.family.lower()


GOOD = Work()
NO_WORDS = Work(explanation=0)
WRONG_SUM = Work(total="wrong", explanation=2)
CORRECTED = Work(squares="unchecked", corrected=2)
LATE = Work(when="late")
LATE_WRONG_SUM = Work(total="wrong", explanation=2, when="late")
JOINED = Work(explanation=3, when="joined")
REGRADED = Work(explanation=1, regraded=4)

STUDENTS = (
    Row("Emmy", "Noether", "ML101", LATE, 9),
    Row("Sofia", "Kovalevskaya", "ALGO2", REGRADED, 10, 7),
    Row("Thomas", "Bayes", "STAT1", JOINED, 9),
    Row("Srinivasa", "Ramanujan", "ML101", CORRECTED, 9),
    Row("Carl", "Gauss", "ALGO2", GOOD, 10),
    Row("Florence", "Nightingale", "STAT1", WRONG_SUM, 5),
    Row("Maryam", "Mirzakhani", "ML101", GOOD, 10),
    Row("Evariste", "Galois", "ALGO2", LATE_WRONG_SUM, 4),
    Row("Andrei", "Kolmogorov", "STAT1", NO_WORDS, 6),
    Row("Leonhard", "Euler", "ML101", NO_WORDS, 6),
    Row("Niels", "Abel", "ALGO2", None, None),
    Row("Karl", "Pearson", "STAT1", LATE, 9),
    Row("Hypatia", "Alexandria", "ML101", WRONG_SUM, 5),
    Row("Edsger", "Dijkstra", "ALGO2", CORRECTED, 9),
    Row("Gertrude", "Cox", "STAT1", GOOD, 10),
    Row("Georg", "Cantor", "ML101", JOINED, 9),
    Row("Barbara", "Liskov", "ALGO2", GOOD, 10),
    Row("Ronald", "Fisher", "STAT1", REGRADED, 10, 7),
    Row("Pierre", "Fermat", "ML101", None, None),
    Row("Tony", "Hoare", "ALGO2", WRONG_SUM, 5),
    Row("Egon", "Pearson-Smith", "STAT1", CORRECTED, 9),
    Row("Sophie", "Germain", "ML101", GOOD, 10),
    Row("Donald", "Knuth", "ALGO2", NO_WORDS, 6),
    Row("John", "Tukey", "STAT1", LATE_WRONG_SUM, 4),
    Row("David", "Hilbert", "ML101", REGRADED, 10, 7),
    Row("Margaret", "Hamilton", "ALGO2", JOINED, 9),
    Row("Pafnuty", "Chebyshev", "STAT1", GOOD, 10),
    Row("Bernhard", "Riemann", "ML101", LATE_WRONG_SUM, 4),
    Row("Frances", "Allen", "ALGO2", LATE, 9),
    Row("Mary", "Cartwright", "STAT1", None, None),
)
#: Teaches ALGO2 and studies in ML101.
TEACHER_WHO_STUDIES = Row("Alan", "Turing", "ML101", GOOD, 10)
TEACHERS = {"ML101": ("Grace", "Hopper"), "ALGO2": ("Alan", "Turing"), "STAT1": ("William", "Gosset")}
ASSISTANT = ("Ada", "Lovelace")  # TA of ML101: corrects by hand there
SITES = {
    "northfield": ("Northfield University", ("ML101", "ALGO2")),
    "eastlake": ("Eastlake College", ("STAT1",)),
}
TITLES = {"ML101": "Introduction to Machine Learning", "ALGO2": "Algorithms II", "STAT1": "Statistics"}


def rows(students: int) -> tuple[Row, ...]:
    """The students who play, the teacher among them."""
    return (*STUDENTS[:students], TEACHER_WHO_STUDIES)


def world(students: int) -> World:
    """The LMSs as they are before the story: those who join later are people, but not yet members."""
    playing = rows(students)
    sites = []
    for number, (name, (title, labels)) in enumerate(SITES.items()):
        people: dict[str, Person] = {}

        def person(given: str, family: str, people: dict[str, Person] = people) -> int:
            fresh = Person(101 + len(people), family.lower(), given, family)
            return people.setdefault(fresh.username, fresh).id

        courses = []
        for place, label in enumerate(labels):
            members: dict[int, LmsRole] = {person(*TEACHERS[label]): "editingteacher"}
            if label == "ML101":
                members[person(*ASSISTANT)] = "teacher"
            for row in playing:
                if row.course == label:
                    joins = row.work is not None and row.work.when == "joined"
                    one = person(row.given, row.family)
                    if not joins:
                        members[one] = "student"
            first = 31 + 10 * (2 * number + place)
            courses.append(Course(21 + place, label, TITLES[label], members, problem_sets(first)))
        sites.append(Site(name, title, f"{name}-client", tuple(people.values()), tuple(courses)))
    return World(tuple(sites))


def expected(students: int, before_regrade: bool = False) -> dict[str, dict[str, float | None]]:
    """Course label -> LMS username -> grade of problem set 1."""
    table: dict[str, dict[str, float | None]] = {label: {} for label in TITLES}
    for row in rows(students):
        first = before_regrade and row.before_regrade is not None
        table[row.course][row.username] = row.before_regrade if first else row.grade
    return table


def differences(gradebook: object, label: str, wanted: dict[str, float | None]) -> list[str]:
    """A sentence for every cell of a course's gradebook in the LMS that is not as the table has it."""
    items = gradebook.get(label, {}) if isinstance(gradebook, dict) else {}
    found = []
    column = items.get(ITEM)
    if column is None:
        return [f"{label}: the gradebook has no column “{ITEM}”"]
    for username, grade in wanted.items():
        held = column.get(username)
        if held != grade:
            found.append(f"{label}, {username}: {ITEM} is {_shown(held)} in the LMS and should be {_shown(grade)}")
    for item, cells in items.items():
        for username, held in cells.items():
            if held is not None and not (item == ITEM and username in wanted):
                found.append(f"{label}, {username}: {item} is {_shown(held)} in the LMS and should not be there")
    return found


def _shown(grade: object) -> str:
    return "empty" if grade is None else str(grade)

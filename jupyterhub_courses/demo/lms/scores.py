"""AGS scores: one POST, one grade. What a score does is decided in `grading`; here are Moodle's refusals.

A refused score is answered `[]`, an accepted one with nothing; both may be a 200: a reason with a line break
in it is no header, so PHP drops the status line, and a refusal repeats the request in its reason.
"""

from jupyterhub_courses.demo.lms.answers import Answer, Call, Crash
from jupyterhub_courses.demo.lms.grading import Score, apply_score, is_stale, read_score
from jupyterhub_courses.demo.lms.site import Site
from jupyterhub_courses.demo.lms.store import CourseRow, Item

SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
CONTENT_TYPE = f"{SCORE_TYPE}; charset=utf-8"


def receive(site: Site, call: Call, course: CourseRow, item: Item | None) -> Answer:
    assert item is not None
    score = read_score(call.body)
    person = None if score is None else _person(score)
    if score is None or person is None or not site.store.is_gradable(course.id, person):
        return _refused(400, f"Incorrect score received{call.body}")
    grade = site.store.grade(item.id, person)
    if is_stale(score, grade):
        return _refused(409, f"Refusing score with an earlier timestamp for item {item.id} and user {score.user}")
    if item.locked:
        return _refused(500, "Internal Server Error")
    changed = apply_score(score, grade, item.maximum, own_column=item.activity is not None, now=int(call.now))
    site.store.put_grade(item.id, person, changed)
    site.taken.append((item.label, person, score.given, score.timestamp))
    return Answer(200, CONTENT_TYPE)


def _person(score: Score) -> int | None:
    """The user's id. PHP's type check kills the request when it is no number."""
    user = score.user
    if isinstance(user, int) and not isinstance(user, bool):
        return user if abs(user) < 2**63 else None
    if isinstance(user, str) and user.isascii() and user.isdigit():
        return int(user) if len(user) < 19 else None
    raise Crash


def _refused(status: int, reason: str) -> Answer:
    if "\n" in reason or "\r" in reason:
        return Answer(200, CONTENT_TYPE, "[]")
    return Answer(status, CONTENT_TYPE, "[]", reason)

"""The difference between the courses that are and the courses file; only its own courses are deleted."""

from jupyterhub_courses.core.diffs import Change, OwnedSpec, difference
from jupyterhub_courses.core.specs import CourseSpec


def spec(slug, **fields):
    return CourseSpec.model_validate({"slug": slug, "title": slug.upper(), **fields})


def test_each_kind_of_change():
    present = [
        OwnedSpec(spec("same"), "file"),
        OwnedSpec(spec("other", memory="1G"), "file"),
        OwnedSpec(spec("gone"), "file"),
        OwnedSpec(spec("launched"), "launch"),
        OwnedSpec(spec("adopted"), "page"),
    ]
    wanted = [spec("same"), spec("other", memory="2G"), spec("new"), spec("adopted")]
    changes = {change.course: change for change in difference(present, wanted)}
    assert {name: change.kind for name, change in changes.items()} == {
        "same": "keep", "other": "change", "gone": "delete", "new": "create", "adopted": "change",
    }  # fmt: skip
    assert changes["other"].fields == {"memory.limit": (2**30, 2**31)}
    assert changes["adopted"].fields == {"owner": ("page", "file")}


def test_a_course_that_the_file_does_not_own_is_left_alone():
    assert difference([OwnedSpec(spec("launched"), "launch")], []) == ()


def test_a_new_course_shows_what_is_set():
    (change,) = difference([], [spec("ml101", lms={"platform": "uni", "context": "3"})])
    assert change.fields["lms.context"] == (None, "3") and "storage" not in change.fields


def test_what_was_set_and_is_no_longer_is_shown():
    (change,) = difference([OwnedSpec(spec("a", start_from={"folder": "/srv/a"}), "file")], [spec("a")])
    assert change.fields["start_from.folder"] == ("/srv/a", None)


def test_as_json():
    assert Change("a", "change", {"title": ("A", "B")}).as_json() == {
        "course": "a",
        "kind": "change",
        "fields": {"title": ["A", "B"]},
    }

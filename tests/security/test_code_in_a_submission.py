"""Code in a submission, graded on the running system: it sees its own files, and no token.

On one machine it could read other files of the one system user (docs/security.md): this is about what it is given.
"""

import base64
import json

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from ..support.system import body

GRADERS = "/user/grader-ml101/ml101/"
HOSTILE = """
import json, os, pathlib
print("LOOT", json.dumps([dict(os.environ), sorted(str(p) for p in pathlib.Path(".").rglob("*"))]))
answer = 42
"""


def cell(source, grade_id, **flags):
    metadata = {"schema_version": 3, "grade_id": grade_id, "locked": False, "task": False, "grade": False, **flags}
    return new_code_cell(source, metadata={"nbgrader": metadata})


def test_code_in_a_submission_runs_with_its_own_files_and_is_given_no_token(world, tokens):
    cells = [cell("### BEGIN SOLUTION\nanswer = 42\n### END SOLUTION", "answer", solution=True)]
    cells.append(cell("assert answer == 42", "test", solution=False, grade=True, locked=True, points=5))
    notebook = new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    course = world.system.data / "courses" / "ml101" / "grader" / "ml101"
    (course / "source" / "hostile").mkdir(parents=True)
    nbformat.write(notebook, course / "source" / "hostile" / "nb.ipynb")
    browser = world.grace.browser
    world.grace.open("ml101", "grader-ml101", "formgrader/manage_assignments")

    def formgrader(path):
        answer = browser.api("POST", f"{GRADERS}formgrader/api/{path}")
        assert answer.ok and body(answer)["success"], answer.text[-1500:]

    for action in ("assign", "release"):
        formgrader(f"assignment/hostile/{action}")
    released = body(world.ngshare("GET", "assignment/ml101/hostile", tokens.ada))["files"]
    given = nbformat.reads(base64.b64decode(released[0]["content"]).decode(), 4)
    given.cells[0].source = HOSTILE
    content = base64.b64encode(nbformat.writes(given).encode()).decode()
    files = json.dumps([{"path": "nb.ipynb", "content": content}])
    assert body(world.ngshare("POST", "submission/ml101/hostile", tokens.ada, data={"files": files}))["success"]
    formgrader("assignment/hostile/collect")
    formgrader("submission/hostile/ada/autograde")
    graded = nbformat.read(course / "autograded" / "ada" / "hostile" / "nb.ipynb", 4)
    texts = [out.text for one in graded.cells for out in one.get("outputs", []) if "text" in out]
    environment, seen = json.loads(next(t for t in texts if t.startswith("LOOT")).removeprefix("LOOT "))
    assert not [name for name in environment if name.startswith(("JUPYTERHUB_", "EXCHANGE_")) or "TOKEN" in name]
    assert not [token for token in world.tokens.values() if any(token in value for value in environment.values())]
    assert "nb.ipynb" in seen and not any("gradebook" in name or "bob" in name for name in seen)
    points = body(browser.get(f"{GRADERS}formgrader/api/submission/hostile/ada"))["score"]
    assert points == 5

"""Open edX's LTI component as a running LMS: found, started on a free port, asked and looked into.

It is shared/openedx beside the checkout, or where JUPYTERHUB_COURSES_OPENEDX says. The component is AGPL: it runs in
an environment of its own (`make openedx`), as a program, and nothing of it is imported or kept here.
"""

import json
import os
import queue
import sqlite3
import subprocess
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

from jupyterhub_courses.demo import processes
from tests.support.ports import free_port

#: What authors place in the lab's course, and the points of each there.
WEIGHTS = {"ps1": 10.0, "ps2": 4.0, "db": 1.0, "ext": 1.0, "late": 10.0}
STARTS_WITHIN = 120.0  # seconds


def files(root: Path) -> Path | None:
    """The folder with serve.py; None where there is none."""
    folder = Path(os.environ.get("JUPYTERHUB_COURSES_OPENEDX") or root.parent / "shared" / "openedx")
    return folder if (folder / "serve.py").is_file() else None


def interpreter(root: Path, version: str) -> Path | None:
    """The Python of the environment with that version of the component; None where it is not made."""
    folder = root / f".venv-openedx-{version}"
    return folder / "bin" / "python" if (folder / "done").exists() else None


@dataclass(frozen=True)
class OpenEdx:
    """A running one."""

    version: str
    url: str
    database: Path
    process: int  # its id; all of the LMS runs in it

    @property
    def name(self) -> str:
        """What the hub calls it."""
        return f"openedx-{self.version.partition('.')[0]}"

    def launch_url(self, user: str, component: str) -> str:
        """Where the browser of somebody who opens this unit is sent first."""
        return f"{self.url}/lab/launch?user={user}&block={quote(usage_key(component), safe='')}"

    def registration(self, component: str) -> dict[str, Any]:
        """What Studio shows its author, as a courses file has it."""
        told = self._get(f"/lab/registration?user=tess&block={quote(usage_key(component), safe='')}")
        return {
            "client_id": told["client_id"],
            "deployment_ids": [told["deployment_id"]],
            "authorize_url": told["oidc_callback"],
            "token_url": told["token_url"],
            "keyset_url": told["keyset_url"],
        }

    def platform(self, components: list[str], folder: Path) -> dict[str, Any]:
        """The platform of these components; its teachers' clicks make courses that start from a folder."""
        creation = {"mode": "on", "limit": 5, "start_from": {"folder": str(folder)}}
        registrations = [self.registration(component) for component in components]
        base = {"name": self.name, "issuer": self.url}
        return {**base, "course_creation": creation, "registrations": registrations}

    def set(self, component: str, **fields: Any) -> None:
        """What an author changes in Studio's form."""
        with closing(sqlite3.connect(self.database, timeout=20)) as store, store:
            key = usage_key(component)
            (known,) = store.execute("SELECT fields FROM edxlab_block WHERE usage_key = ?", [key]).fetchone()
            changed = json.dumps({**json.loads(known), **fields})
            store.execute("UPDATE edxlab_block SET fields = ? WHERE usage_key = ?", [changed, key])

    def enrol(self, count: int) -> dict[str, str]:
        """So many more students of the lab's course: {username: the `sub` that tools see}."""
        people = {f"crowd{n}": str(uuid.uuid4()) for n in range(count)}
        with closing(sqlite3.connect(self.database, timeout=20)) as store, store:
            (course,) = store.execute("SELECT id FROM edxlab_course").fetchone()
            (last,) = store.execute("SELECT max(id) FROM auth_user").fetchone()
            store.execute("INSERT OR IGNORE INTO edxlab_externalidtype (name) VALUES ('lti')")
            (kind,) = store.execute("SELECT id FROM edxlab_externalidtype WHERE name = 'lti'").fetchone()
            users = [(last + 1 + n, *one) for n, one in enumerate(people.items())]
            store.executemany(
                "INSERT INTO auth_user (id, username, password, email, first_name, last_name,"
                " is_superuser, is_staff, is_active, date_joined) VALUES (?, ?, '!', '', '', '', 0, 0, 1, datetime())",
                [(user, name) for user, name, _ in users],
            )
            store.executemany(
                "INSERT INTO edxlab_userprofile (user_id, name) VALUES (?, ?)",
                [(user, name) for user, name, _ in users],
            )
            store.executemany(
                "INSERT INTO edxlab_enrolment (course_id, user_id, role) VALUES (?, ?, 'student')",
                [(course, user) for user, *_ in users],
            )
            store.executemany(
                "INSERT INTO edxlab_externalid (external_user_id, external_id_type_id, user_id) VALUES (?, ?, ?)",
                [(sub.replace("-", ""), kind, user) for user, _, sub in users],
            )
        return people

    def lineitems(self, component: str) -> str:
        """Where its line items are, as a launch of a teacher says."""
        with closing(sqlite3.connect(self.database, timeout=20)) as store:
            query = "SELECT id FROM lti_consumer_lticonfiguration WHERE location = ?"
            (configuration,) = store.execute(query, [usage_key(component)]).fetchone()
        return f"{self.url}/api/lti_consumer/v1/lti/{configuration}/lti-ags"

    def new_keys(self) -> None:
        """Every key that the LMS signs with is made anew: no token that it has given counts any more."""
        with closing(sqlite3.connect(self.database, timeout=20)) as store, store:
            tables = {name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            for table in tables & {"lti_consumer_lticonfiguration", "lti_consumer_lti1p3passport"}:
                columns = {row[1] for row in store.execute(f"SELECT * FROM pragma_table_info('{table}')")}
                for name in columns & {"lti_1p3_internal_private_key", "lti_1p3_internal_public_jwk"}:
                    store.execute(f"UPDATE {table} SET {name} = ''")

    def grades(self, component: str) -> dict[str, tuple[float, float]]:
        """The gradebook's (value, of how many) of each person, as the component published it."""
        return {user: (row["value"], row["max"]) for user, row in self.published(component).items()}

    def published(self, component: str) -> dict[str, dict[str, Any]]:
        """The gradebook's row of each person: value, max, and how often the component has published it."""
        rows = self._get("/lab/gradebook")["grades"]
        return {row["user"]: row for row in rows if row["block"] == usage_key(component)}

    def stored(self) -> dict[str, Any]:
        """Line items and scores as the component keeps them."""
        return dict(self._get("/lab/stored"))

    def _get(self, path: str) -> Any:
        answer = requests.get(self.url + path, timeout=60)
        answer.raise_for_status()
        return answer.json()


def usage_key(component: str) -> str:
    """Open edX's id of a placed component."""
    return f"block-v1:Lab+Py101+2026+type@lti_consumer+block@{component}"


@contextmanager
def running(version: str, python: Path, scripts: Path, folder: Path, tool: str) -> Iterator[OpenEdx]:
    """The LMS with every component pointing at the tool at `tool`."""
    port = free_port()
    command = [str(python), str(scripts / "serve.py"), "--port", str(port), "--state", str(folder), "--tool", tool]
    command += ["--oidc", "/hub/lti13/oauth_login", "--launch", "/hub/lti13/oauth_callback"]
    command += ["--jwks", "/services/courses/jwks.json"]
    command.insert(1, "-B")  # nothing is written beside the lab's files
    with (folder / "openedx.log").open("w") as log:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(scripts)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=processes.ending_with_parent(),
        )
    try:
        told = json.loads(_first_line(server) or "{}")
        assert "url" in told, (folder / "openedx.log").read_text()[-3000:]
        yield OpenEdx(version, told["url"], folder / "lms.sqlite3", server.pid)
    finally:
        server.terminate()
        server.wait(20)


def _first_line(server: "subprocess.Popen[str]") -> str:
    lines: queue.Queue[str] = queue.Queue()
    stdout = server.stdout
    assert stdout is not None
    threading.Thread(target=lambda: lines.put(stdout.readline()), daemon=True).start()
    try:
        return lines.get(timeout=STARTS_WITHIN)
    except queue.Empty:
        return ""

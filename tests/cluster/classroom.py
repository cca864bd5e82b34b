"""Two courses of a release and their students' real servers, for tests that need what only such a server has.

People come by one-time links through the hub's own pages, so the hub makes their servers and the servers' tokens as
it does for everybody. Browsers reach the hub through kubectl, and a shell in a server is `kubectl exec`.
"""

import base64
import json
import re
import subprocess
from typing import Any
from urllib.parse import quote

from ..support.system import Browser, wait_for
from .kube import Kube
from .release import Release

#: Whose server is in which course.
STUDENTS = {"ada": "north", "bob": "south"}
ASSIGNMENT, NOTEBOOK = "ps1", "ps1.ipynb"
NOTEBOOK_TEXT = json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
#: Answers (method, address, token, fields) with (status, body), from wherever it runs.
ASK = """
import json, sys, urllib.error, urllib.parse, urllib.request
told = []
for method, address, token, fields in json.load(sys.stdin):
    data = urllib.parse.urlencode(fields).encode() if fields else None
    request = urllib.request.Request(address, data, {"Authorization": "token " + token}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            told.append([answer.status, answer.read().decode()])
    except urllib.error.HTTPError as error:
        told.append([error.code, error.read().decode()])
    except OSError as error:
        told.append([0, "not reached"])
print(json.dumps(told))
"""
Question = tuple[str, str, str, dict[str, str]]


class Classroom:
    """`base` and `verify` are what a Browser of tests/support needs to know of a system."""

    verify = True

    def __init__(self, kube: Kube, release: Release) -> None:
        self.kube, self.release = kube, release
        self.browsers: dict[str, Browser] = {}
        command = ["kubectl", "port-forward", "-n", release.namespace, "service/proxy-public", ":80"]
        self._forward = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._forward.stdout is not None
        found = re.search(r"127\.0\.0\.1:\d+", self._forward.stdout.readline())
        assert found
        self.base = f"http://{found[0]}"

    def begin(self) -> None:
        """Both courses with an assignment, and a running server in each."""
        people = {course: [{"username": one}] for one, course in STUDENTS.items()}
        courses = [{"slug": slug, "title": slug, "people": named} for slug, named in people.items()]
        self.release.admin(["jupyterhub-courses", "apply", "/dev/stdin"], stdin=json.dumps({"courses": courses}))
        for course in people:
            wait_for(lambda course=course: self.state(course)[0] == "ready", f"{course} is ready")
        for person, course in STUDENTS.items():
            self.log_in(person)
            self.open(person)
            content = base64.b64encode(NOTEBOOK_TEXT.encode()).decode()
            files = json.dumps([{"path": NOTEBOOK, "content": content}])
            secret = self.kube.get(f"/api/v1/namespaces/{self.namespace(course)}/secrets/ngshare")["data"]["token"]
            address = f"{self.exchange(course)}assignment/{course}/{ASSIGNMENT}"
            (made,) = self.ask(person, ("POST", address, base64.b64decode(secret).decode(), {"files": files}))
            assert made[0] == 200, made

    def end(self) -> None:
        """Courses and servers end with the release."""
        self._forward.terminate()
        self._forward.wait()

    def namespace(self, course: str) -> str:
        return f"{self.release.prefix}-{course}"

    def exchange(self, course: str) -> str:
        return f"http://ngshare.{self.namespace(course)}.svc.cluster.local:8080/api/"

    def service(self) -> str:
        return f"http://courses.{self.release.namespace}.svc.cluster.local:8085/services/courses/api/"

    def hub(self) -> str:
        return f"http://hub.{self.release.namespace}.svc.cluster.local:8081/hub/api/"

    def log_in(self, person: str) -> None:
        """By a one-time link that the administrator has made."""
        told = self.release.admin(["jupyterhub-courses", "login-link", person, "--json"])
        path = re.sub(r"^https?://[^/]+", "", json.loads(told)["url"])
        browser = self.browsers[person] = Browser(self)  # type: ignore[arg-type]
        page = browser.get(path)
        fields = dict(re.findall(r'<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"', page.text))
        assert browser.post("/hub/login-link", data=fields).status_code == 303

    def open(self, person: str) -> str:
        """The person's server of their course, started when it is not there; the page that opens."""
        server = f"{person}/{STUDENTS[person]}"
        target = quote(f"/user/{server}/courses/status", safe="")
        page = self.browsers[person].go(f"/hub/spawn/{server}?next={target}")
        assert page.ok and json.loads(page.text)["course"] == STUDENTS[person], page.text[-800:] + self.release.logs()
        return page.text

    def at_hub(self, person: str) -> dict[str, Any]:
        """The person's servers, as the hub's own page asks for them."""
        answer = self.browsers[person].api("GET", f"/hub/api/users/{person}")
        assert answer.ok, answer.text
        return dict(answer.json()["servers"])

    def pod(self, person: str) -> str:
        """The name of their server's pod."""
        return f"jupyter-{person}--{STUDENTS[person]}"

    def shell(self, person: str, *command: str, stdin: str | None = None) -> str:
        """What a command says in the person's server."""
        where = ("-n", self.namespace(STUDENTS[person]), self.pod(person), "-c", "notebook")
        return self.kube.run("exec", "-i", *where, "--", *command, stdin=stdin)

    def python(self, person: str, code: str) -> subprocess.Popen[str]:
        """The same of Python, while it runs."""
        where = ("-n", self.namespace(STUDENTS[person]), self.pod(person), "-c", "notebook")
        command = ["kubectl", "exec", *where, "--", "python3", "-c", code]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def token(self, person: str) -> str:
        """Their server's own, as they read it in a terminal there."""
        return self.shell(person, "printenv", "JUPYTERHUB_API_TOKEN").strip()

    def ask(self, person: str, *questions: Question) -> list[tuple[int, str]]:
        """Ask from inside somebody's server."""
        told = self.shell(person, "python3", "-c", ASK, stdin=json.dumps(questions))
        return [(status, body) for status, body in json.loads(told)]

    def state(self, course: str) -> tuple[str, str]:
        """(state, reason) of a course, as the administrator's command tells."""
        told = json.loads(self.release.admin(["jupyterhub-courses", "courses", "--json"]))
        found = next(one for one in told if one["slug"] == course)
        return found["state"], found["reason"]

    def exchange_pod(self, course: str) -> dict[str, Any] | None:
        """The exchange's pod that is not ending, if there is one."""
        path = f"/api/v1/namespaces/{self.namespace(course)}/pods?labelSelector=app.kubernetes.io/component=ngshare"
        pods = self.kube.get(path)["items"]
        return next((one for one in pods if "deletionTimestamp" not in one["metadata"]), None)

    def submissions(self, person: str) -> list[str]:
        """The moments of the person's submissions that the exchange has."""
        course = STUDENTS[person]
        address = f"{self.exchange(course)}submissions/{course}/{ASSIGNMENT}/{person}"
        ((status, body),) = self.ask(person, ("GET", address, self.token(person), {}))
        assert status == 200, body
        return sorted(one["timestamp"] for one in json.loads(body)["submissions"])

"""Runs of autograding apart at the service's own door: who may ask for one, and for what."""

import asyncio

import pytest
import pytest_asyncio
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

from ..support.ports import free_port
from .test_process import Service

pytestmark = pytest.mark.asyncio(loop_scope="module")
OWN = "access:services!service=courses"
#: token -> name, administrator, server that the token is bound to
CALLERS = {
    "grader-ml101": ("grader-ml101", False, "ml101"),
    "grader-stats": ("grader-stats", False, "stats"),
    "ada": ("ada", False, "ml101"),
    "root": ("root", True, None),
    "grace": ("grace", False, None),
    "grader-by-hand": ("grader-ml101", False, None),
}
COURSE = {"slug": "ml101", "title": "ML", "people": [{"username": "ada"}, {"username": "grace", "role": "instructor"}]}
STATS = {"slug": "stats", "title": "Statistics"}


class HubUser(RequestHandler):
    """A hub that knows some callers by their tokens, and whose users can be made."""

    def get(self, _name=None):
        token = self.request.headers.get("Authorization", "").removeprefix("token ")
        if token not in CALLERS:
            self.set_status(404 if _name else 403)
            return
        name, admin, server = CALLERS[token]
        scopes = [OWN, *([f"access:servers!server={name}/{server}"] if server else [])]
        self.write({"kind": "user", "name": name, "admin": admin, "scopes": scopes})

    def post(self, _name=None):
        self.set_status(201)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(tmp_path_factory):
    hub = HTTPServer(Application([("/hub/api/users/(.*)", HubUser), ("/hub/api/user", HubUser)]))
    port = free_port()
    hub.listen(port, "127.0.0.1")
    running = Service(tmp_path_factory.mktemp("service"), port)
    running.start()
    await running.ready()
    status, answer = await running.call("POST", "api/apply", {"platforms": [], "courses": [COURSE, STATS]})
    assert status == 200, answer
    yield running
    await running.close()
    hub.stop()


def address(run="0123456789abcdef", slug="ml101"):
    return f"api/courses/{slug}/autograde-runs/{run}"


@pytest.mark.parametrize("caller", ["grader-stats", "ada", "root", "grace", "grader-by-hand"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_only_the_courses_own_graders_server_has_runs(service, caller, method):
    status, answer = await service.call(method, address(), {"seconds": 60}, token=caller)
    assert (status, answer["code"]) == (403, "forbidden")


async def test_not_even_the_hubs_secret_or_nobody_starts_one(service):
    assert (await service.call("PUT", address(), {"seconds": 60}))[0] == 403
    assert (await service.call("PUT", address(), {"seconds": 60}, token=""))[0] == 401


async def test_on_one_machine_the_graders_server_is_told_that_nothing_runs_apart(service):
    for method in ("PUT", "DELETE"):
        status, answer = await service.call(method, address(), {"seconds": 60}, token="grader-ml101")
        assert (status, answer["code"]) == (409, "autograde_here"), answer


@pytest.mark.parametrize(
    "body", [None, [], {}, {"seconds": 0}, {"seconds": 3601}, {"seconds": "60"}, {"seconds": True}]
)
async def test_a_run_has_a_bounded_time(service, body):
    status, answer = await service.call("PUT", address(), body, token="grader-ml101")
    assert status == 400 and "seconds" in answer["message"]


@pytest.mark.parametrize(
    "run", ["short", "UPPER-CASE", "..%2F..%2Fother", "a" * 41, "abcdefgh%0A", "%2e%2e%2fabcdefgh"]
)
async def test_a_runs_id_is_no_path(service, run):
    status, answer = await service.call("PUT", address(run), {"seconds": 60}, token="grader-ml101")
    assert status in (400, 404), answer


async def test_the_address_of_another_course_is_of_no_use(service):
    answers = await asyncio.gather(
        *(service.call("PUT", address(slug=slug), {"seconds": 60}, token="grader-ml101") for slug in ("stats", "none"))
    )
    assert [status for status, _ in answers] == [403, 403]

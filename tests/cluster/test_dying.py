"""The service dies after each single write of making and of deleting a course: the next one makes the same of it.

tests/cluster/dying.py is what dies, with the rights of the release's service and no others. No exchange starts here
but one: its image cannot be had, so that many courses cost little; what is compared are the objects.
"""

import json
import os
import shutil
import subprocess
import sys

import pytest

from jupyterhub_courses.adapters.kubernetes.seeing import Seeing
from jupyterhub_courses.adapters.store.courses import Courses
from jupyterhub_courses.adapters.store.database import Database
from jupyterhub_courses.core.comparing import difference
from jupyterhub_courses.core.manifests import course_manifests
from jupyterhub_courses.core.specs import spec_of

from .dying import EMPTY
from .reconciling import IMAGE, Reconciler, as_account
from .release import Release
from .test_rights import NO_PODS

pytestmark = pytest.mark.timeout(400)
NO_IMAGE = "localhost/no-such-exchange:1"
#: The installed package, and these tests.
RUN = """
import runpy, sys
sys.path.append(sys.argv.pop(1))
runpy.run_module("tests.cluster.dying", run_name="__main__")
"""


@pytest.fixture
def settings(kube, root, tmp_path):
    """Of a release whose accounts and rights are there, and whose own service is not."""
    release = Release(kube, root, tmp_path, NO_PODS)
    try:
        release.begin()
        yield {"prefix": release.prefix, "release_namespace": release.namespace, "exchange_image": NO_IMAGE}
    finally:
        release.end()


@pytest.fixture
def lives(root, store, settings, kubeconfig, tmp_path):
    """Live and die; after how many writes nothing is left to do."""
    account = as_account(kubeconfig, tmp_path, settings["release_namespace"], "courses")

    def lives(action, most=60):
        command = [sys.executable, "-c", RUN, str(root), str(store), action, json.dumps(settings), str(most)]
        done = subprocess.run(
            command,
            cwd=root,
            env={**os.environ, "KUBECONFIG": account, "PYTHONSAFEPATH": "1"},
            capture_output=True,
            text=True,
            timeout=350,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return int(done.stdout.split()[-1])

    return lives


@pytest.fixture
async def reconciler(reconciler_with, settings):
    """With the administrator's rights, to look."""
    return await reconciler_with(**settings)


@pytest.fixture
def store(tmp_path, empty_sqlite_store):
    folder = tmp_path / "lives"
    folder.mkdir()
    shutil.copyfile(empty_sqlite_store, folder / EMPTY)
    return folder


async def course_in(store, number):
    database = Database(f"sqlite:///{store / f'{number}.sqlite'}")
    found = await Courses(database).by_slug(f"c{number}")
    await database.close()
    return found


async def test_wherever_it_dies_the_next_one_makes_the_same_course_and_deletes_it_to_the_end(store, lives, reconciler):
    writes = lives("make")
    assert 12 < writes < 60  # the last life was not cut short
    settings, made = reconciler.settings, {}
    for number in range(1, writes + 1):
        course = await course_in(store, number)
        there = await Seeing(reconciler.other, settings).alone(f"c{number}")
        wanted = course_manifests(spec_of(course), course.exchange_token, settings)
        assert difference(wanted, there).is_none, number
        made[number] = {one for one in there if one[0] not in ("Namespace", "Pod")}
    assert {number: objects ^ made[writes] for number, objects in made.items() if objects != made[writes]} == {}

    ends = lives("keep", most=writes)
    assert 12 < ends < writes
    for number in range(1, ends + 1):
        assert await course_in(store, number) is None
        name = settings.namespace(f"c{number}")
        space = await reconciler.other.get("Namespace", name)
        assert space["metadata"]["labels"]["jupyterhub-courses/kept"] == "true"
        claims = await reconciler.other.list("PersistentVolumeClaim", namespace=name)
        assert {one["metadata"]["name"] for one in claims} == {"ngshare", "grader", "shared"}, number
        for kind in ("Pod", "Deployment", "Service", "Secret", "RoleBinding", "NetworkPolicy", "ResourceQuota"):
            assert await reconciler.other.list(kind, namespace=name) == [], (number, kind)


async def test_wherever_it_dies_a_course_that_is_to_be_erased_is(store, lives, reconciler):
    assert lives("erase", most=2) == 2
    for number in (1, 2):
        assert await course_in(store, number) is None
        assert await reconciler.other.get("Namespace", reconciler.settings.namespace(f"c{number}")) is None


async def test_a_course_whose_making_was_cut_short_becomes_ready(store, lives, settings, kubeconfig):
    lives("make", most=1)
    database = Database(f"sqlite:///{store / '1.sqlite'}")
    after = Reconciler(database, kubeconfig, **{**settings, "exchange_image": IMAGE})
    try:
        await after.until_state("c1", "ready")
    finally:
        await after.close()
        await database.close()

"""A placement survives the way to the spawner and back as JSON."""

import json

from jupyterhub_courses.core.placements import Placement, PodPlacement

POD = PodPlacement(
    namespace="course-ml101",
    image=None,
    service_account="server",
    home_claim="home-ada",
    access_modes=("ReadWriteOnce",),
    tolerations=({"key": "gpu", "operator": "Exists"},),
    volumes=({"name": "shared", "persistentVolumeClaim": {"claimName": "shared"}},),
    profiles=({"display_name": "Small", "kubespawner_override": {"tolerations": [{"key": "x"}]}},),
)


def test_a_placement_comes_back_as_it_went():
    placed = Placement("ada", "ml101", "student", "/home/jovyan", ("jupyterhub-singleuser",), {"A": "b"}, pod=POD)
    assert Placement.from_json(json.loads(json.dumps(placed.as_json()))) == placed


def test_a_placement_on_one_machine_has_no_pod():
    placed = Placement("ada", "ml101", "student", "/srv/ada", ("jupyterhub-singleuser",))
    assert Placement.from_json(json.loads(json.dumps(placed.as_json()))) == placed


def test_what_a_newer_service_adds_is_ignored():
    told = Placement("ada", "ml101", "student", "/home/jovyan", ("x",), pod=POD).as_json()
    newer = {**told, "colour": "red", "pod": {**told["pod"], "sound": "loud"}}
    assert Placement.from_json(newer).pod == POD

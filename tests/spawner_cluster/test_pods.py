"""The pod of a server: what the placement, the administrator and the person make of it."""

import pytest

from .test_faults import NS, POD
from .world import placement, spawner_of, start

GPU = {
    "display_name": "GPU",
    "slug": "gpu",
    "kubespawner_override": {"image": "gpu:1", "extra_resource_limits": {"nvidia.com/gpu": "1"}},
}
SMALL = {"display_name": "Small", "slug": "small", "default": True, "kubespawner_override": {"cpu_limit": 1}}


@pytest.fixture
def started(hub, api, service):
    """Start ada's server of ml101 and get its pod; the same spawner each time."""
    made = []

    async def go(options=None, **pod):
        service.placements["ada", "ml101"] = placement(pod.pop("namespace", NS), **pod)
        if not made:
            made.append(spawner_of(hub, "ada"))
        spawner = made[0]
        await start(hub, spawner, **(options or {}))
        found = api.pods[spawner.namespace, POD]
        await spawner.stop()
        return found

    return go


def notebook(pod):
    return next(one for one in pod["spec"]["containers"] if one["name"] == "notebook")


def environment(pod):
    return {one["name"]: one.get("value") for one in notebook(pod)["env"]}


async def test_a_pod_has_no_more_rights_than_it_needs(started, hub):
    hub.config.KubeSpawner.init_containers = [{"name": "init", "image": "i:1"}]
    hub.config.KubeSpawner.extra_containers = [{"name": "side", "image": "s:1"}]
    spec = (await started())["spec"]
    assert spec["automountServiceAccountToken"] is False and spec["serviceAccountName"] == "server"
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "fsGroup": 100,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    for container in [*spec["containers"], *spec["initContainers"]]:
        assert container["securityContext"] == {
            "runAsUser": 1000,
            "runAsGroup": 100,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }


async def test_the_administrators_user_and_contexts_are_above_the_defaults(started, hub):
    hub.config.KubeSpawner.uid = 4000
    hub.config.KubeSpawner.fs_gid = 4000
    hub.config.KubeSpawner.container_security_context = {"readOnlyRootFilesystem": True}
    hub.config.KubeSpawner.pod_security_context = {"fsGroupChangePolicy": "Always"}
    spec = (await started())["spec"]
    assert (spec["securityContext"]["fsGroup"], spec["securityContext"]["fsGroupChangePolicy"]) == (4000, "Always")
    assert spec["securityContext"]["runAsNonRoot"] is True
    context = spec["containers"][0]["securityContext"]
    assert context["runAsUser"] == 4000 and context["readOnlyRootFilesystem"] and context["capabilities"]


async def test_labels_say_whose_pod_it_is(started, api):
    labels = (await started(labels={"jupyterhub-courses/role": "student", "app.kubernetes.io/managed-by": "x"}))[
        "metadata"
    ]["labels"]
    assert labels["app.kubernetes.io/component"] == labels["component"] == "server"
    assert labels["jupyterhub-courses/role"] == "student" and labels["app.kubernetes.io/managed-by"] == "x"
    claim = api.claims[NS, "home-ada"]["metadata"]["labels"]
    assert claim["app.kubernetes.io/component"] == "home" and claim["jupyterhub-courses/role"] == "student"


async def test_the_environment_is_the_placements_but_for_the_hubs_variables(started, hub, service):
    hub.config.KubeSpawner.environment = {"ADMIN": "{username}", "BOTH": "admin"}
    placed = placement(NS)
    placed["environment"] = {"BOTH": "course", "RAW": "{not a template}", "JUPYTERHUB_API_TOKEN": "forged"}
    placed["environment"]["JUPYTERHUB_COURSES_COURSE"] = "ml101"
    service.placements["ada", "ml101"] = placed
    spawner = spawner_of(hub, "ada")
    await start(hub, spawner)
    env = spawner.get_env()
    assert (env["ADMIN"], env["BOTH"], env["RAW"]) == ("ada", "course", "{not a template}")
    assert env["JUPYTERHUB_API_TOKEN"] == spawner.api_token and env["JUPYTERHUB_COURSES_COURSE"] == "ml101"
    assert env["HOME"] == "/home/jovyan" and env["JUPYTERHUB_ROOT_DIR"] == "/home/jovyan"


async def test_the_home_is_the_placements_claim_and_is_made_once(started, api):
    pod = await started(home_size=2**30, storage_class="nfs", access_modes=["ReadWriteMany"])
    claim = api.claims[NS, "home-ada"]["spec"]
    assert (claim["storageClassName"], claim["accessModes"]) == ("nfs", ["ReadWriteMany"])
    assert claim["resources"]["requests"]["storage"] == str(2**30)
    (volume,) = pod["spec"]["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == "home-ada"
    assert notebook(pod)["volumeMounts"] == [{"mountPath": "/home/jovyan", "name": volume["name"]}]
    await started()
    assert api.count("create", "persistentvolumeclaims") == 1
    await started(namespace="course-other")
    assert ("course-other", "home-ada") in api.claims


async def test_each_start_begins_with_the_administrators_values(started, hub):
    hub.config.KubeSpawner.image = "admin:1"
    hub.config.KubeSpawner.node_selector = {"pool": "users"}
    hub.config.KubeSpawner.tolerations = [{"key": "users"}]
    first = await started(
        image="course:1",
        mem_limit=2**30,
        node_selector={"gpu": "yes"},
        tolerations=[{"key": "gpu"}],
        volumes=[{"name": "shared", "persistentVolumeClaim": {"claimName": "shared"}}],
        volume_mounts=[{"name": "shared", "mountPath": "/shared"}],
        extra_resources={"nvidia.com/gpu": "1"},
        labels={"a": "b"},
        profiles=[GPU],
        idle_timeout=60,
    )
    assert notebook(first)["image"] == "gpu:1" and first["spec"]["nodeSelector"] == {"pool": "users", "gpu": "yes"}
    second = await started()
    third = await started()
    assert second["spec"] == third["spec"]
    assert notebook(second)["image"] == "admin:1" and second["spec"]["nodeSelector"] == {"pool": "users"}
    assert [one["key"] for one in second["spec"]["tolerations"]] == ["users"]
    assert notebook(second)["resources"] == {"limits": {}, "requests": {}}
    assert len(second["spec"]["volumes"]) == 1 and "a" not in second["metadata"]["labels"]
    assert not any("timeout" in argument for argument in notebook(second)["args"])


async def test_the_name_follows_the_namespace(started, hub):
    await started()
    await started(namespace="course-other")
    spawner = hub.users["ada"].spawners["ml101"]
    assert spawner.dns_name == f"{POD}.course-other.svc.cluster.local"


@pytest.mark.parametrize(
    "options",
    [
        {"image": "evil:1", "namespace": "kube-system", "uid": 0},
        {"profile": "nothing-of-this-course"},
        {"profile": ["gpu"], "x": {"y": "z"}},
        {"profile": "gpu", "image--unlisted-choice": "evil:1"},
    ],
)
async def test_options_choose_one_of_the_courses_profiles_and_nothing_else(started, options):
    pod = await started(options, profiles=[SMALL, GPU])
    assert pod["metadata"]["namespace"] == NS
    assert notebook(pod)["image"] in ("gpu:1", "quay.io/jupyterhub/singleuser:latest")
    assert notebook(pod)["securityContext"]["runAsUser"] == 1000


async def test_a_chosen_profile_counts_and_the_default_otherwise(started):
    chosen = notebook(await started({"profile": "gpu"}, profiles=[SMALL, GPU]))
    assert (chosen["image"], chosen["resources"]["limits"]) == ("gpu:1", {"nvidia.com/gpu": "1"})
    assert notebook(await started(profiles=[SMALL, GPU]))["resources"]["limits"] == {"cpu": 1.0}
    assert notebook(await started({"profile": "gpu"}))["resources"]["limits"] == {}


async def test_the_administrators_profiles_are_below_the_course(started, hub):
    profile = {"display_name": "A", "kubespawner_override": {"image": "admin-profile:1", "cpu_limit": 8}}
    hub.config.KubeSpawner.profile_list = [profile]
    pod = notebook(await started(cpu_limit=2))
    assert (pod["image"], pod["resources"]["limits"]["cpu"]) == ("admin-profile:1", 2.0)
    assert notebook(await started(profiles=[GPU]))["image"] == "gpu:1"


@pytest.mark.parametrize(("profiles", "shown"), [([], False), ([GPU], False), ([SMALL, GPU], True)])
async def test_a_page_of_choices_is_shown_where_there_is_a_choice(hub, service, profiles, shown, api):
    service.placements["ada", "ml101"] = placement(NS, profiles=profiles)
    form = await spawner_of(hub, "ada").get_options_form()
    assert bool(form) is shown
    assert not shown or ("GPU" in form and "Small" in form)


async def test_the_page_and_the_start_ask_the_service_once(hub, api, service):
    service.placements["ada", "ml101"] = placement(NS)
    spawner = spawner_of(hub, "ada")
    await spawner.get_options_form()
    await start(hub, spawner)
    assert service.asked.count(("POST", "placements")) == 1
    await spawner.stop()
    await start(hub, spawner)
    assert service.asked.count(("POST", "placements")) == 2


async def test_an_idle_server_ends_itself(started):
    arguments = notebook(await started(idle_timeout=1800))["args"]
    assert arguments[0] == "jupyterhub-singleuser"
    assert "--ServerApp.shutdown_no_activity_timeout=1800" in arguments
    assert "--MappingKernelManager.cull_idle_timeout=1800" in arguments
    assert "--HubOAuth.cache_max_age=60" in arguments


async def test_a_command_of_the_administrator_stays(started, hub):
    hub.config.Spawner.cmd = ["start-singleuser.sh"]
    assert notebook(await started())["args"][0] == "start-singleuser.sh"


async def test_a_graders_server_is_opened_without_a_question(hub, api, service):
    hub.users.settings["oauth_no_confirm_list"] = set()
    spawner = spawner_of(hub, "grader-ml101")
    assert spawner.oauth_client_id in hub.users.settings["oauth_no_confirm_list"]
    spawner_of(hub, "ada")
    assert len(hub.users.settings["oauth_no_confirm_list"]) == 1


async def test_a_forgotten_server_keeps_its_home(started, hub, api):
    await started()
    spawner = hub.users["ada"].spawners["ml101"]
    await spawner.delete_forever()
    assert api.count("delete", "persistentvolumeclaims") == 0

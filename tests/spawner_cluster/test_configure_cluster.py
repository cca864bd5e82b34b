"""`configure_cluster` below what the z2jh chart configures."""

import subprocess
import sys

import pytest
from traitlets.config import Config

from jupyterhub_courses.hub import CHART_TOKEN_FILE, configure_cluster


def chart(**more):
    """As the chart's jupyterhub_config.py leaves it with its default values, but for the metadata block."""
    c = Config()
    c.JupyterHub.spawner_class = "kubespawner.KubeSpawner"
    c.JupyterHub.hub_connect_url = "http://hub:8081"
    c.JupyterHub.base_url = "/"
    c.JupyterHub.services = [{"name": "jupyterhub-idle-culler", "command": ["cull"]}, {"name": "courses"}]
    c.JupyterHub.load_roles = [{"name": "jupyterhub-idle-culler", "scopes": [], "services": []}]
    c.Spawner.consecutive_failure_limit = 5
    c.Spawner.cmd = "jupyterhub-singleuser"
    c.KubeSpawner.namespace = "jupyterhub"
    c.KubeSpawner.init_containers = []
    c.KubeSpawner.node_affinity_preferred.append({"weight": 100})
    c.KubeSpawner.volumes = {"v": {"name": "v", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}}
    c.KubeSpawner.update(more)
    return c


def test_pods_elsewhere_reach_hub_and_service_by_names_that_hold_there():
    c = chart()
    configure_cluster(c)
    assert c.JupyterHub.hub_connect_url == "http://hub.jupyterhub.svc.cluster.local:8081"
    wanted = "http://courses.jupyterhub.svc.cluster.local:8085/services/courses/api/"
    assert c.CoursesConnection.service_url == wanted
    assert c.CoursesConnection.token_file == CHART_TOKEN_FILE
    assert c.JupyterHub.default_url == "/services/courses/"


@pytest.mark.parametrize(("said", "seconds"), [({}, 120), ({"http_timeout": 45}, None)])
def test_a_server_has_two_minutes_to_answer_unless_the_administrator_says_otherwise(said, seconds):
    c = chart(**said)
    configure_cluster(c)
    assert c.CourseSpawner.get("http_timeout") == seconds


def test_a_base_url_and_another_domain_are_followed():
    c = chart()
    c.JupyterHub.base_url = "/jupyter"
    configure_cluster(c, cluster_domain="example.internal")
    assert c.JupyterHub.hub_connect_url == "http://hub.jupyterhub.svc.example.internal:8081"
    assert c.CoursesConnection.service_url.endswith(".example.internal:8085/jupyter/services/courses/api/")
    assert c.JupyterHub.default_url == "/jupyter/services/courses/"


@pytest.mark.parametrize("url", ["http://hub.example.org:8081", "http://10.0.0.1:8081", "http://[::1]:8081"])
def test_an_address_that_holds_everywhere_stays(url):
    c = chart()
    c.JupyterHub.hub_connect_url = url
    configure_cluster(c)
    assert c.JupyterHub.hub_connect_url == url


def test_the_charts_services_and_roles_stay():
    c = chart()
    configure_cluster(c)
    assert [service["name"] for service in c.JupyterHub.services] == ["jupyterhub-idle-culler", "courses"]
    assert [role["name"] for role in c.JupyterHub.load_roles] == ["jupyterhub-idle-culler", "user", "courses-service"]


def test_admins_that_the_chart_names_stay_and_others_replace_them():
    c = chart()
    c.Authenticator.admin_users = ["boss"]
    configure_cluster(c)
    assert "admin_users" not in c.CoursesLTI13Authenticator
    configure_cluster(c, admins={"chief"})
    assert c.CoursesLTI13Authenticator.admin_users == {"chief"}


def test_arguments_of_the_administrator_come_with_ours():
    c = chart(args=["--debug"])
    configure_cluster(c)
    assert c.CourseSpawner.args == ["--debug", "--HubOAuth.cache_max_age=60"]


def test_failed_starts_do_not_end_the_hub():
    c = chart()
    configure_cluster(c)
    assert c.CourseSpawner.consecutive_failure_limit == 0


@pytest.mark.parametrize(
    ("section", "name"), [("JupyterHub", "internal_ssl"), ("KubeSpawner", "enable_user_namespaces")]
)
def test_what_contradicts_a_namespace_for_every_course_is_refused(section, name):
    c = chart()
    c[section][name] = True
    with pytest.raises(ValueError, match=f"c.{section}.{name}"):
        configure_cluster(c)


def test_a_hub_on_one_machine_loads_no_client_of_kubernetes():
    code = "import sys, jupyterhub_courses.hub; sys.exit('kubernetes_asyncio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

# What z2jh's chart configures of a hub, as far as these tests need it; our part as in chart-values/courses.yaml.
import os

from jupyterhub_courses.hub import configure_cluster

c = get_config()  # noqa: F821
secret = "/usr/local/etc/jupyterhub/secret"
with open(f"{secret}/hub.services.courses.apiToken") as file:
    token = file.read().strip()
c.JupyterHub.hub_bind_url = "http://:8081"
c.JupyterHub.hub_connect_url = "http://hub:8081"
c.JupyterHub.db_url = "sqlite:///jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = f"{secret}/cookie-secret"
c.JupyterHub.cleanup_servers = False
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = "http://proxy-api:8001"
c.JupyterHub.load_roles = []
c.JupyterHub.services = [
    {"name": "courses", "url": "http://courses:8085", "api_token": token, "oauth_no_confirm": True}
]
c.KubeSpawner.namespace = os.environ["POD_NAMESPACE"]
c.KubeSpawner.image = os.environ["SINGLEUSER_IMAGE"]
c.KubeSpawner.storage_capacity = "50Mi"
c.KubeSpawner.cpu_guarantee, c.KubeSpawner.mem_guarantee = 0.01, "100M"
c.KubeSpawner.start_timeout = c.KubeSpawner.http_timeout = 240
c.KubeSpawner.poll_interval = 5
configure_cluster(c)

"""The service's client of the hub's REST API (https://jupyterhub.readthedocs.io/en/stable/reference/rest-api.html)."""

from .client import HubApi, HubDown, TokenModel

__all__ = ["HubApi", "HubDown", "TokenModel"]

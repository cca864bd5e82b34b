"""Courses for JupyterHub: from the click in the LMS to the grade in the LMS.

Edges (authenticator, spawner, service, single-user server, exchange, command line, demo) > use cases | adapters > core.
"""

__version__ = "0.1.0.dev0"

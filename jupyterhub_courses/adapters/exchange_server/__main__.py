"""`python -m jupyterhub_courses.adapters.exchange_server`: settings by environment, see `settings`."""

import sys

from .server import main

if __name__ == "__main__":
    sys.exit(main())

"""Changes the keys of a folder for ever, until it is killed: `python rotating.py FOLDER`."""

import sys
from datetime import timedelta
from pathlib import Path

from jupyterhub_courses.adapters.lms.keys import KeyRing

if __name__ == "__main__":
    ring = KeyRing(Path(sys.argv[1]))
    print("begins", flush=True)
    while True:
        ring.rotate(timedelta(hours=1))
        print(ring.signing().kid, flush=True)

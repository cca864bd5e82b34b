"""The courses service, started as often as asked: each line on stdin is one start, answered by its process id.

Every start is a process of its own, which runs what `python -m jupyterhub_courses.service` runs; it is forked from this
one, so that fifty starts need not read the same modules fifty times.
"""

import os
import signal
import sys

from jupyterhub_courses.service.app import CoursesService


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever was killed leaves nothing behind
    for _ in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            CoursesService.launch_instance(argv=[])
            os._exit(1)
        print(pid, flush=True)


if __name__ == "__main__":
    main()

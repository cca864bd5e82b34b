"""`python -m jupyterhub_courses.demo.lms`: one LMS of the demo, until SIGTERM or SIGINT."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from jupyterhub_courses.demo.lms.scenario import Scenario, ScenarioError, load
from jupyterhub_courses.demo.lms.server import start


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m jupyterhub_courses.demo.lms", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="0 takes any, and says which")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; anybody there may do anything")
    parser.add_argument("--state", type=Path, required=True, help="directory for grades and keys; made if missing")
    parser.add_argument("--scenario", type=Path, required=True, help="people, courses and activities (JSON)")
    parser.add_argument("--control", action="store_true", help="serve the control API too: anybody may do anything")
    parser.add_argument("--url", default="", help="the address that browsers use, where something stands before it")
    options = parser.parse_args(argv)
    try:
        scenario = load(options.scenario)
    except (ScenarioError, OSError) as error:
        for line in getattr(error, "errors", [str(error)]):
            print(f"{options.scenario}: {line}", file=sys.stderr)
        return 2
    return asyncio.run(_serve(scenario, options))


async def _serve(scenario: Scenario, options: argparse.Namespace) -> int:
    try:
        running = start(scenario, options.state, options.port, options.control, url=options.url, host=options.host)
    except OSError as error:
        print(f"port {options.port}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{scenario.name} is on {running.base}", flush=True)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, ended.set)
    await ended.wait()
    await running.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What a run's pod does: `run IN WORK RESULT` executes the submission's notebook, `collect RESULT OUT` brings it back.

`run` copies the submission's files to WORK and executes the notebook there as nbgrader does; what it writes are
outputs only, cell by cell. `collect` runs when no process of the submission is left, takes one regular file of
bounded size and nothing else, and puts it into OUT whole.
"""

import contextlib
import json
import os
import secrets
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

from jupyterhub_courses.core.autograding import RESULT_MAX, RESULT_NAME

JOB_NAME = "job.json"
FILES = "files"
#: Bytes of outputs that one notebook keeps; errors are always kept, shortened.
OUTPUTS_MAX = 32 * 2**20
_ERROR_MAX = 10_000
_CHUNK = 1 << 20
CUT = "\n... Output truncated ...\n"


def run(given: Path, work: Path, result: Path) -> None:
    """Execute the notebook of given/job.json in `work`."""
    job = json.loads((given / JOB_NAME).read_text())
    shutil.copytree(given / FILES, work, dirs_exist_ok=True)
    for folder, _, names in os.walk(work):
        # What was copied from a read-only folder belongs to the submission here.
        for name in (".", *names):
            path = Path(folder, name)
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
    os.environ["NBGRADER_EXECUTION"] = "autograde"
    text = json.dumps(executed(job, work))
    if os.getpid() == 1:
        # In the pod: whatever the submission left running would write its own result over ours.
        with contextlib.suppress(ProcessLookupError):  # there is none, mostly
            os.kill(-1, signal.SIGKILL)
    # Under a name that the submission could not put anything at, and renamed over whatever it left.
    fresh = result / secrets.token_hex(16)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(text)
    fresh.replace(result / RESULT_NAME)


def executed(job: dict[str, Any], work: Path) -> dict[str, Any]:
    """{"cells": [null, or {"outputs", "execution_count"}], "language"}, or {"error": {"kind", "text"}}."""
    import nbformat

    notebook = nbformat.from_dict(job["notebook"])
    try:
        done, _ = _execute(job["options"]).preprocess(notebook, {"metadata": {"path": str(work)}})
    except Exception as error:
        return {"error": {"kind": type(error).__name__, "text": str(error)[:_ERROR_MAX]}}
    cells = [
        {"outputs": cell.outputs, "execution_count": cell.execution_count} if cell.cell_type == "code" else None
        for cell in done.cells
    ]
    return {"cells": cells, "language": done.metadata.get("language_info", {}).get("name")}


def _execute(options: dict[str, Any]) -> Any:
    from .autograding import ExecuteWithoutTokens, KernelManagerWithoutTokens

    class Kernel(KernelManagerWithoutTokens):
        async def _async_start_kernel(self, **kwargs: Any) -> None:
            # Its outputs come as messages; what else it prints is not for the pod's log, which is kept for long.
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            await super()._async_start_kernel(**{**kwargs, **quiet})

        start_kernel = _async_start_kernel

    class Bounded(ExecuteWithoutTokens):
        kept = 0

        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            content = msg["content"]
            if msg["msg_type"] == "error":
                content["traceback"] = [str(line)[:_ERROR_MAX] for line in content.get("traceback", ())][:1000]
                content["evalue"] = str(content.get("evalue"))[:_ERROR_MAX]
            elif msg["msg_type"] in ("stream", "display_data", "execute_result", "update_display_data"):
                size = len(json.dumps(content, default=str))
                if self.kept + size > OUTPUTS_MAX:
                    return self._cut(cell, str(content.get("name") or "stdout"))
                self.kept += size
            return super().process_message(msg, cell, cell_index)

        def _cut(self, cell: Any, name: str) -> None:
            # Once a stream: also that there was something on stderr counts for the points.
            if not any(output.get("text", "").endswith(CUT) and output.name == name for output in cell.outputs):
                from nbformat.v4 import new_output

                cell.outputs.append(new_output("stream", name=name, text=CUT))

    execute = Bounded(**options)
    execute.kernel_manager_class = Kernel
    return execute


def collect(result: Path, out: Path) -> None:
    """Copy the result file, if it is one. Raises OSError or ValueError."""
    data = read_file(result / RESULT_NAME)
    fresh = out / f".{RESULT_NAME}"
    fresh.write_bytes(data)
    fresh.replace(out / RESULT_NAME)


def read_file(path: Path) -> bytes:
    """A regular file's content, not through a link and bounded. Raises OSError or ValueError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("the result is no file")
        data = bytearray()
        while chunk := file.read(_CHUNK):
            data += chunk
            if len(data) > RESULT_MAX:
                raise ValueError("the result is too large")
    return bytes(data)


def main() -> None:
    """The command line."""
    command, *folders = sys.argv[1:]
    {"run": run, "collect": collect}[command](*map(Path, folders))


if __name__ == "__main__":
    main()

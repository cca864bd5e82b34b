"""nbgrader's Execute with a pod in the kernel's place: outputs come back, and nothing else is believed.

Sources, metadata, grade ids and points stay those that this side read, whatever the pod says; what it may say is
outputs of code cells, one list a cell.
"""

import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, ValidationError
from nbformat.v4 import new_code_cell, new_notebook
from nbformat.v4.rwbase import rejoin_lines
from nbgrader.preprocessors import Execute

from .ahead import ahead_of
from .runs import Job, RunFailed, deadline, shared

#: Settings of nbgrader's Execute that are passed on; the others are about the process that executes.
OPTIONS = (
    *("allow_error_names", "error_on_timeout", "extra_arguments", "force_raise_errors", "interrupt_on_timeout"),
    *("iopub_timeout", "kernel_name", "raise_on_iopub_timeout", "record_timing", "shell_timeout_interval"),
    *("skip_cells_with_tag", "startup_timeout", "store_widget_state", "timeout"),
)
_UNUSABLE = "The submission was run, but what came back does not fit its notebook."
_KERNEL_DIED = "The submission's code ended its kernel, or needed more memory than it may have."


class ExecuteApart(Execute):
    """Takes nbgrader's own `Execute` configuration."""

    def preprocess(self, nb: NotebookNode, resources: Any = None, km: Any = None) -> tuple[NotebookNode, Any]:
        """`nb` with the outputs of its run. Raises RunFailed with a sentence."""
        runs = shared()
        ahead = ahead_of(getattr(self.parent, "parent", None), runs)
        if ahead is not None:
            ahead.advance(self.job, (resources["nbgrader"]["assignment"], resources["nbgrader"]["student"]))
        future = runs.take(self.job(nb, resources))
        try:
            put_outputs(nb, future.result())
        except KeyboardInterrupt:
            runs.close()
            raise
        return nb, resources

    def job(self, nb: NotebookNode, resources: Any) -> Job:
        """What is to be done for `nb`, whose files lie in the folder that `resources` name."""
        about = resources["nbgrader"]
        return Job(
            name=about["notebook"],
            notebook=json.loads(json.dumps(nb)),
            folder=Path(resources["metadata"]["path"]),
            options={name: getattr(self, name) for name in OPTIONS},
            seconds=deadline(sum(cell.cell_type == "code" for cell in nb.cells), self.timeout),
            whose=(about["assignment"], about["student"]),
        )


def put_outputs(nb: NotebookNode, result: dict[str, Any]) -> None:
    """Put the outputs of `result` into `nb`. Raises RunFailed; `nb` is as it was then."""
    error = result.get("error")
    if isinstance(error, dict):
        died = error.get("kind") == "DeadKernelError"
        said = f"The notebook could not be run: {error.get('kind')}: {error.get('text')}"
        raise RunFailed(_KERNEL_DIED if died else said[:2000])
    cells = result.get("cells")
    if not isinstance(cells, list) or len(cells) != len(nb.cells):
        raise RunFailed(_UNUSABLE)
    code = [(cell, got) for cell, got in zip(nb.cells, cells, strict=True) if cell.cell_type == "code"]
    if not all(isinstance(got, dict) for _, got in code):
        raise RunFailed(_UNUSABLE)
    try:
        got = new_notebook(
            cells=[
                new_code_cell(outputs=nbformat.from_dict(got["outputs"]), execution_count=got["execution_count"])
                for _, got in code
            ]
        )
        nbformat.validate(got)
        rejoin_lines(got)
    except (ValidationError, KeyError, TypeError, AttributeError, RecursionError) as wrong:
        raise RunFailed(_UNUSABLE) from wrong
    for (cell, _), executed in zip(code, got.cells, strict=True):
        cell.outputs, cell.execution_count = executed.outputs, executed.execution_count
    language = result.get("language")
    if isinstance(language, str) and language.isprintable() and len(language) <= 64:
        nb.metadata["language_info"] = {"name": language}

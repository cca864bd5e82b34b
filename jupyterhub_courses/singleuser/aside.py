"""formgrader goes on answering while a submission is autograded apart, and several can be at once.

nbgrader's handler would hold the whole server until the pod is done. Here the run is started and waited for first;
then nbgrader's own handler finds its result there.
"""

import asyncio
from typing import Any

from nbgrader.converters import Autograde

from .ahead import Ahead
from .apart import ExecuteApart
from .runs import shared


def autograde_aside() -> None:
    """Have formgrader wait without blocking."""
    from nbgrader.server_extensions.formgrader.apihandlers import AutogradeHandler
    from nbgrader.server_extensions.formgrader.base import check_notebook_dir, check_xsrf
    from tornado import web

    blocking = AutogradeHandler.post

    @web.authenticated
    @check_xsrf
    @check_notebook_dir
    async def post(self: Any, assignment_id: str, student_id: str) -> None:
        converter = await run_first(self.api, assignment_id, student_id)
        blocking(self, assignment_id, student_id)
        del converter

    AutogradeHandler.post = post


async def run_first(api: Any, assignment: str, student: str) -> Autograde:
    """Start this submission's runs and wait until they are over, however they end: nbgrader tells that.

    Their results are kept while the answer is.
    """
    converter = Autograde(coursedir=api.coursedir, parent=api)
    try:
        ahead = _started(converter, assignment, student)
    except Exception as error:
        api.log.info("The submission is not run ahead: %s", type(error).__name__)
    else:
        await asyncio.gather(*map(asyncio.wrap_future, ahead.futures), return_exceptions=True)
    return converter


def _started(converter: Autograde, assignment: str, student: str) -> Ahead:
    coursedir = converter.coursedir
    before = coursedir.assignment_id, coursedir.student_id
    coursedir.assignment_id, coursedir.student_id = assignment, student
    try:
        converter.init_notebooks()
        ahead = Ahead(converter, shared(), everything=True)
    finally:
        coursedir.assignment_id, coursedir.student_id = before
    ahead.advance(ExecuteApart(parent=converter.exporter_class(parent=converter)).job)
    return ahead

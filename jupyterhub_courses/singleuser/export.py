"""`nbgrader export --exporter=jupyterhub_courses.singleuser.export.CoursesExporter`: sends all scores now.

The same as the server does by itself, for whoever wants to see what was accepted.
"""

import asyncio
import os
import sys
import time
from typing import Any

from nbgrader.plugins import ExportPlugin

from jupyterhub_courses.adapters.courses_api.server import CallFailed, CoursesApi, ScoresAnswer
from jupyterhub_courses.adapters.gradebook.database import open_gradebook
from jupyterhub_courses.adapters.gradebook.reading import GradebookState, read_gradebook

from .surroundings import course_server


class CoursesExporter(ExportPlugin):
    """Sends the gradebook's whole state to the courses service, as only that is safe to repeat."""

    def export(self, gradebook: Any) -> None:
        """Prints what was accepted; ends the command with a sentence and status 1 if nothing was."""
        course = course_server(os.environ)
        if course is None or not course.is_grader:
            sys.exit("This is not the grader's server of a course: there is nowhere to send scores to.")
        if self.student or self.assignment or self.to:
            sys.exit("All scores are sent at once: --student, --assignment and --to do not apply here.")
        engine = open_gradebook(gradebook.engine.url.render_as_string(hide_password=False))
        service = CoursesApi(course.api_url, course.course, course.token)
        try:
            state, answer = asyncio.run(_send(engine, service))
        except CallFailed as failure:
            sys.exit(f"Nothing was sent: {failure}. The scores are safe in the gradebook.")
        if answer.stale:
            sys.exit("The service has a newer state: another program sent the scores meanwhile.")
        print(f"{len(state.scores)} scores of {len(state.assignments)} assignments: {answer.accepted} accepted")
        if answer.unknown:
            print("Not in the course's roster: " + ", ".join(answer.unknown))


async def _send(engine: Any, service: CoursesApi) -> tuple[GradebookState, ScoresAnswer]:
    state = read_gradebook(engine, time.time)
    answer = await service.put_scores(state.as_json())
    if answer.stale:
        state = read_gradebook(engine, time.time)
        answer = await service.put_scores(state.as_json())
    return state, answer

"""`python -m jupyterhub_courses.service`: what the hub runs as its managed service `courses`."""

from .app import CoursesService

CoursesService.launch_instance()

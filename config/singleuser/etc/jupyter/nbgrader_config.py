# nbgrader in a server of a course; elsewhere this changes nothing.
# Installed with jupyterhub-courses[singleuser].
import os

from jupyterhub_courses.singleuser.nbgrader_settings import configure

configure(get_config(), os.environ)

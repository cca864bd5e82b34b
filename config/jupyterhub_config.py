"""A hub with courses on one machine: copy, edit, and start with `jupyterhub -f jupyterhub_config.py`."""

from jupyterhub_courses.hub import configure

c = get_config()

configure(
    c,
    data_dir="data",  # everything that must be kept: databases, keys, courses
    port=8000,  # http://127.0.0.1:8000; put a web server with TLS in front for anybody but yourself
    admins={"your-hub-username"},
)

# The address that browsers use, when a web server stands in front:
# c.JupyterHub.public_url = "https://courses.example.org/"

# The first LMS. Its administrators' page has these values (Moodle: Site administration > Plugins > External
# tool > Manage tools > the magnifying glass of the tool). More LMSs: platforms of a courses file.
c.CoursesLTI13Authenticator.platform_name = "moodle"
c.CoursesLTI13Authenticator.issuer = "https://moodle.example.org"
c.CoursesLTI13Authenticator.client_id = {"copied-from-moodle"}
c.CoursesLTI13Authenticator.deployment_ids = {"1"}
c.CoursesLTI13Authenticator.authorize_url = "https://moodle.example.org/mod/lti/auth.php"
c.CoursesLTI13Authenticator.token_url = "https://moodle.example.org/mod/lti/token.php"
c.CoursesLTI13Authenticator.jwks_endpoint = "https://moodle.example.org/mod/lti/certs.php"

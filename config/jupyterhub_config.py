"""A hub with courses on one machine: copy, edit, and start with `jupyterhub -f jupyterhub_config.py`."""

from jupyterhub_courses.hub import configure

c = get_config()

configure(
    c,
    data_dir="data",  # everything that must be kept: databases, keys, courses
    port=8000,  # http://127.0.0.1:8000; put a web server with TLS in front for anybody but yourself
    # hub_port=8081, proxy_api_port=8001, service_port=8085,  # internal, on loopback: say others where these are taken
    # public_url="https://courses.example.org/",  # the address that browsers use then
    admins={"your-hub-username"},
)

# LMSs are connected while the hub runs: docs/moodle.md, docs/openedx.md, docs/canvas.md. One may stand here instead, by
# ltiauthenticator's settings; its administrators' page has the values.
# c.CoursesLTI13Authenticator.platform_name = "moodle"
# c.CoursesLTI13Authenticator.issuer = "https://moodle.example.org"
# c.CoursesLTI13Authenticator.client_id = {"copied-from-moodle"}
# c.CoursesLTI13Authenticator.deployment_ids = {"1"}
# c.CoursesLTI13Authenticator.authorize_url = "https://moodle.example.org/mod/lti/auth.php"
# c.CoursesLTI13Authenticator.token_url = "https://moodle.example.org/mod/lti/token.php"
# c.CoursesLTI13Authenticator.jwks_endpoint = "https://moodle.example.org/mod/lti/certs.php"

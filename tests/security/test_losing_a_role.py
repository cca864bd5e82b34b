"""A role that the LMS took away is gone within two minutes."""

import time

from jupyterhub_courses import hub

from ..support.system import Browser, wait_for
from .conftest import REFRESH_S

GRADERS = "/user/grader-ml101/ml101/"


def test_the_hub_and_the_servers_ask_again_within_two_minutes():
    assert 2 * hub.REFRESH_S <= 120


def test_a_dismissed_ta_loses_the_graders_server_and_the_roster(world):
    """With the two clocks at REFRESH_S; her own open browser is what she goes on with."""
    tara = world.tara
    assert tara.open("ml101", "grader-ml101").status_code == 200
    token = tara.token()
    assert world.api("GET", "courses/ml101/roster", token).status_code == 200
    tara.role = "student"
    try:
        tara.launch("ML101", browser=Browser(world.system))
        began = time.monotonic()
        assert tara.browser.go("/services/courses/ml101/roster").status_code == 403  # at once
        assert world.api("GET", "courses/ml101/roster", token).status_code == 403
        while tara.browser.get(GRADERS + "courses/status").status_code == 200:
            assert time.monotonic() - began < 2 * REFRESH_S + 10
            time.sleep(0.2)
        took = time.monotonic() - began
        assert tara.browser.go(GRADERS + "formgrader").status_code == 403
        assert tara.open("ml101", "grader-ml101").status_code in (403, 404)
        tara.browser.go("/hub/home")
        stopped = tara.browser.api("DELETE", "/hub/api/users/grader-ml101/servers/ml101")
        assert stopped.status_code in (403, 404)
        print(f"gone after {took:.1f} s with clocks of {REFRESH_S} s")
    finally:
        tara.role = "ta"
        tara.launch("ML101")
    wait_for(lambda: tara.open("ml101", "grader-ml101").ok, "a role that is given back counts again")

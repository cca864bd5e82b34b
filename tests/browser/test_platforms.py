"""An administrator connects an LMS on its page, sees it tested, and removes it; in English and German."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from ..demo_lms.lab import CLIENT, Lab, recorded_site, running_lms
from ..support import chromium
from ..support.system import System
from .window import Window

ADMIN = "root-of-hub"


@pytest.fixture(scope="module")
def system(chp, chromium_programs, tmp_path_factory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("platforms"), chp, admins=(ADMIN,))
    try:
        system.start()
        yield system
    finally:
        system.end()


@pytest.fixture(scope="module")
def lms(system: System, tmp_path_factory) -> Iterator[Lab]:
    """An LMS whose administrator has copied this hub's values."""
    site = recorded_site()
    keyset = f"{system.base}/services/courses/jwks.json"
    with running_lms(
        tmp_path_factory.mktemp("lms"), replace(site, tool=replace(site.tool, public_key=None, keyset_url=keyset))
    ) as lab:
        yield lab


@pytest.fixture
def window(system: System, chromium_programs, request) -> Iterator[Window]:
    """The administrator's browser."""
    program = [sys.executable, "-c", "from jupyterhub_courses.cli import main; main()"]
    told = subprocess.run(
        [*program, "login-link", ADMIN, "--data-dir", str(system.data)], capture_output=True, text=True, timeout=60
    )
    assert told.returncode == 0, told.stderr
    with chromium.running(*chromium_programs, preferences={"intl.accept_languages": request.param}) as driver:
        window = Window(driver)
        driver.get(told.stdout.splitlines()[0])
        window.click("form button")
        window.until(lambda: "/services/courses/" in window.url, "the administrator is logged in")
        yield window


@pytest.mark.parametrize("window", ["en", "de"], indirect=True)
def test_an_administrator_connects_tests_and_removes_an_lms(system: System, lms: Lab, window: Window):
    window.click('a[href="/services/courses/platforms"]')
    window.click('a[href="/services/courses/platforms/connect"]')
    window.picture("platforms-connect")
    window.find("#moodle-name").send_keys("uni")
    window.find("#moodle-issuer").send_keys(lms.base)
    assert window.find("#moodle-token_url").get_attribute("value") == f"{lms.base}/mod/lti/token.php"
    window.find("#moodle-client_id").send_keys("nobody")
    window.find("#moodle-deployment_ids").send_keys("1 2")
    window.click("#moodle-form button[type=submit]")

    def states() -> dict[str, str]:
        rows = window.all('[data-platform="uni"] tr[data-step]')
        return {row.get_attribute("data-step"): row.get_attribute("data-state") for row in rows}

    window.until(states, "the LMS is connected and tested")
    window.picture("platforms")
    assert states()["token"] == "wrong" and states()["keyset"] == "ok"

    window.driver.get(f"{system.base}/services/courses/platforms/connect")  # the right client id, beside the wrong one
    window.find("#moodle-name").send_keys("uni")
    window.find("#moodle-issuer").send_keys(lms.base)
    window.find("#moodle-client_id").send_keys(CLIENT)
    window.find("#moodle-deployment_ids").send_keys("1")
    window.click("#moodle-form button[type=submit]")
    window.until(lambda: len(window.all('[data-platform="uni"] details.registration')) == 2, "there are two of them")
    assert states()["token"] == states()["scope_score"] == "ok"

    window.click('[data-platform="uni"] button[data-method=DELETE]')
    window.driver.switch_to.alert.accept()
    window.until(lambda: not window.all("[data-platform]"), "it is gone")
    assert not [line for line in window.console() if "platforms" in line]


@pytest.mark.parametrize("window", ["en"], indirect=True)
def test_a_refused_platform_is_told_beside_its_form_and_a_value_is_copied(system: System, window: Window):
    window.driver.get(f"{system.base}/services/courses/platforms/connect")
    for field, value in (("name", "admin"), ("issuer", "https://lms.example.org"), ("client_id", "c")):
        window.find(f"#moodle-{field}").send_keys(value)
    window.click("#moodle-form button[type=submit]")
    (problem,) = window.all("#moodle-form [role=alert]")
    told = window.until(lambda: problem.text, "what is wrong is told")
    assert "name" in told and "reserved" in told
    button = window.find('#moodle button[aria-label="Copy: Tool URL"]')
    window.click('#moodle button[aria-label="Copy: Tool URL"]')
    copied = window.until(
        lambda: button.text == "Copied" or window.driver.execute_script("return String(getSelection())"), "it is copied"
    )
    assert copied is True or copied.strip() == f"{system.base}/"

"""The system's Chromium, driven by its own chromedriver; nothing is downloaded."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

# A browser that asks nobody for updates, and starts where there is neither a screen nor a sandbox (containers, root).
# Nothing moves by itself: on a busy machine the hub's smooth scrolling never got as far as what was to be clicked.
_ARGUMENTS = (
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--force-prefers-reduced-motion",
    "--window-size=1280,900",
    "--lang=en",
)


def programs() -> tuple[str, str] | None:
    """The browser's and the driver's paths, or None when either is missing."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


@contextmanager
def running(browser: str, driver: str, *more: str, preferences: dict[str, object] | None = None) -> Iterator:
    """A Chromium with an empty profile, as a selenium WebDriver. `more`: further arguments for the browser."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    profile = tempfile.mkdtemp(prefix="courses-chromium-")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.add_experimental_option("prefs", preferences or {})
    more = (*more, "--no-sandbox") if os.geteuid() == 0 else more
    for argument in (*_ARGUMENTS, *more, f"--user-data-dir={profile}"):
        options.add_argument(argument)
    window = webdriver.Chrome(options=options, service=Service(driver))
    try:
        window.set_page_load_timeout(60)
        yield window
    finally:
        window.quit()
        shutil.rmtree(profile, ignore_errors=True)

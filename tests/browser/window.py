"""A person's browser: waits for what it looks for, clicks what a person would, and takes pictures when asked.

Nothing here waits for a fixed time: `until` looks again and again until its deadline.
"""

import base64
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")
PATIENCE = 120.0  # seconds; a server that starts on a busy machine takes its time
WIDTH, HEIGHT = 1280, 860
SCREENSHOTS = "JUPYTERHUB_COURSES_SCREENSHOTS"  # names a folder for pictures; none are taken without it


class Window:
    """One browser with a profile of its own."""

    def __init__(self, driver: WebDriver) -> None:
        self.driver = driver
        # What is outside the page counts for a window's size.
        frame = driver.execute_script("return outerHeight - innerHeight") or 0
        driver.set_window_size(WIDTH, HEIGHT + frame)

    # -- looking

    @property
    def url(self) -> str:
        return self.driver.current_url

    def until(self, look: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
        """What `look` gives once that is true; a page that is just changing is looked at again."""
        deadline = time.monotonic() + seconds
        problem = ""
        while time.monotonic() < deadline:
            try:
                if found := look():
                    return found
            except (WebDriverException, IndexError) as error:
                problem = f"{type(error).__name__}: {getattr(error, 'msg', error)}"
            time.sleep(0.1)  # between two looks
        raise AssertionError(f"not within {seconds:.0f} s: {what}; at {self.url}; {problem}; {self.text()[-1500:]}")

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def find(self, css: str, text: str = "", seconds: float = PATIENCE) -> WebElement:
        """The first visible element, with exactly this text if one is given."""

        def look() -> WebElement:
            fitting = (e for e in self.all(css) if e.is_displayed() and (not text or e.text.strip() == text))
            return next(fitting, None)

        return self.until(look, f"{css} {text}".strip(), seconds)

    def text(self) -> str:
        """All that can be read on the page."""
        try:
            return self.driver.find_element(By.TAG_NAME, "body").text
        except WebDriverException:
            return ""

    def rows(self, table: str) -> list[list[str]]:
        """The texts of a table's body."""
        rows = [row.find_elements(By.CSS_SELECTOR, "th, td") for row in self.all(f"{table} tbody tr")]
        return [[cell.text.strip() for cell in row] for row in rows]

    def console(self) -> list[str]:
        """What the browser has complained about since the last look."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    # -- doing

    def go(self, url: str) -> None:
        self.driver.get(url)

    def click(self, css: str, text: str = "") -> None:
        """Click once it can be clicked: there, visible, and under nothing else."""

        def press() -> bool:
            self.find(css, text, seconds=1).click()
            return True

        self.until(press, f"a click on {css} {text}".strip())

    def click_to_new_tab(self, css: str) -> None:
        """Click a link that opens a tab, and look at that tab."""
        before = set(self.driver.window_handles)
        self.click(css)
        opened = self.until(lambda: set(self.driver.window_handles) - before, "a new tab")
        self.driver.switch_to.window(opened.pop())

    def first_tab(self) -> None:
        self.driver.switch_to.window(self.driver.window_handles[0])

    def keys(self, *keys: str) -> None:
        """Press keys together: `keys(Keys.CONTROL, "s")`."""
        chain = ActionChains(self.driver)
        for key in keys[:-1]:
            chain.key_down(key)
        chain.send_keys(keys[-1])
        for key in reversed(keys[:-1]):
            chain.key_up(key)
        chain.perform()

    def type_over(self, text: str) -> None:
        """Replace what stands in the field with the focus; at one go, so that no editor completes or indents it."""
        self.keys(Keys.CONTROL, "a")
        self.driver.execute_cdp_cmd("Input.insertText", {"text": text})

    def speak(self, language: str) -> None:
        """Ask for pages in this language, as a browser set to it does; for the tab that is shown."""
        agent = self.driver.execute_script("return navigator.userAgent")
        self.driver.execute_cdp_cmd("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": language})

    def tab_stops(self, most: int = 40) -> list[str]:
        """What the tabulator key reaches from the top of the page: ids, else names. Nothing may be nameless."""
        self.driver.execute_script("document.activeElement.blur(); scrollTo(0, 0)")
        found: list[str] = []
        for _ in range(most):
            self.keys(Keys.TAB)
            stop = self.driver.execute_script(_STOP)
            if stop is None:
                break
            assert stop["name"], f"nobody hears what this is: {stop['html']}"
            found.append(stop["id"] or stop["name"])
        return found

    def picture(self, name: str, height: int = HEIGHT) -> None:
        """A PNG of the window's upper `height` pixels, for those who take pictures."""
        folder = pictures_folder()
        if folder is not None:
            self.until(lambda: self.driver.execute_script("return document.readyState === 'complete'"), "it is loaded")
            top = self.driver.execute_script("return scrollY")
            clip = {"x": 0, "y": top, "width": WIDTH, "height": height, "scale": 1}
            shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "clip": clip})
            (folder / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def collage(self, name: str, pictures: dict[str, str]) -> None:
        """A picture of pictures that are there already, each below its caption."""
        folder = pictures_folder()
        if folder is None or not all((folder / f"{one}.png").exists() for one in pictures):
            return
        page = folder / f"{name}.html"
        figures = "".join(
            f'<figure><figcaption>{text}</figcaption><div><img src="{one}.png" alt=""></div></figure>'
            for one, text in pictures.items()
        )
        page.write_text(f"<!DOCTYPE html><meta charset=utf-8><style>{_COLLAGE}</style><main>{figures}</main>")
        self.go(page.as_uri())
        self.picture(name, self.driver.execute_script("return document.body.scrollHeight"))
        page.unlink()


def pictures_folder() -> Path | None:
    """Where pictures go; None for those who take none."""
    named = os.environ.get(SCREENSHOTS)
    if not named:
        return None
    Path(named).mkdir(parents=True, exist_ok=True)
    return Path(named).resolve()


_STOP = """
const e = document.activeElement;
if (e === document.body) return null;
const name = e.ariaLabel || e.textContent.trim() || e.querySelector("img")?.alt || "";
return { id: e.id, name, html: e.outerHTML };
"""
_COLLAGE = """
body { margin: 0; background: white; font: 600 18px system-ui, sans-serif; color: #333 }
main { display: grid; grid-template-columns: 1fr 1fr; gap: 12px 16px; padding: 8px }
figure { margin: 0 } figcaption { padding: 4px 2px 6px }
div { height: 300px; overflow: hidden; border: 1px solid #bbb; border-radius: 6px }
div:has([src="formgrader.png"]) { display: flex; align-items: end }
img { width: 100%; display: block }
"""

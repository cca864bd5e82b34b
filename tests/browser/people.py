"""What a teacher and a student do in the story, by clicking what they see."""

from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from .demo import Demo
from .window import Window

COURSE, ACTIVITY = "ML101", "31"  # of the demo's world
ANSWERS = {
    "def squares": """def squares(n):
    if n < 1:
        raise ValueError("n must be 1 or more")
    return [i * i for i in range(1, n + 1)]""",
    "def sum_of_squares": """def sum_of_squares(n):
    return sum(squares(n))""",
    "YOUR ANSWER HERE": "By induction: it holds for 1, and adding the next square to both sides gives it for n + 1.",
}
COMMENT = "Right. Say in one more sentence why both sides stay equal."


def sign_in(window: Window, demo: Demo, username: str) -> None:
    """Be somebody in the LMS, on the course's page."""
    window.go(demo.northfield)
    window.click(f"#person-{username}")
    window.click(f"#course-{COURSE}")
    window.find(f"#open-{ACTIVITY}")


class Teacher:
    """Works in formgrader, with formgrader's own buttons."""

    def __init__(self, window: Window) -> None:
        self.window = window

    def press(self, assignment: str, column: str) -> str:
        """An icon in an assignment's row (assign, release, collect …); what formgrader says about it."""
        self._icon("name", assignment, column)
        return self._told()

    def autograde(self, student: str) -> str:
        self._icon("student-id", student, "autograde")
        return self._told()

    def _row(self, key: str, value: str) -> WebElement:
        for row in self.window.all("#main-table tr"):
            if row.find_element(By.CSS_SELECTOR, f"td.{key}").text.strip() == value:
                return row
        raise IndexError(f"no row {value}")

    def _icon(self, key: str, value: str, column: str) -> None:
        def press() -> bool:
            self._row(key, value).find_element(By.CSS_SELECTOR, f"td.{column} a").click()
            return True

        self.window.until(press, f"{column} of {value}")

    def _told(self) -> str:
        """Read the box and close it. Fails with nbgrader's log when something went wrong."""
        box = self.window.find(".modal.in")
        # Not `box.text`: while the box slides in, part of what it holds does not count as visible.
        kind, text = box.get_attribute("id"), box.get_attribute("textContent")
        assert kind == "success-modal", text

        def close() -> bool:
            for button in self.window.all(".modal.in button.close"):
                button.click()  # a box that is still sliding in can slip away from under the pointer
            return not self.window.all(".modal")

        self.window.until(close, "the box goes away")
        return text

    def open_submissions(self, assignment: str) -> None:
        self._icon("name", assignment, "num-submissions")

    def status(self, student: str) -> list[str]:
        """Status and score of a submission as its row shows them."""
        row = self._row("student-id", student)
        return [row.find_element(By.CSS_SELECTOR, f"td.{column}").text for column in ("status", "score")]

    def open_submission(self, student: str) -> None:
        """From the list of submissions to a student's notebook."""
        self._icon("student-id", student, "student-name")
        self.window.click("#main-table td.name a")
        ready = "return typeof formgrader == 'object' && formgrader.grades.loaded && formgrader.comments.loaded"
        self.window.until(lambda: self.window.driver.execute_script(ready), "the submission can be graded")

    def give(self, cell: str, points: str, comment: str) -> None:
        """Points and a comment for a cell, by hand."""
        score = self.window.find(f"#{cell}")
        score.clear()
        score.send_keys(points, Keys.ESCAPE)
        note = self.window.find(f"#{cell}-comment")
        note.send_keys(comment, Keys.ESCAPE)
        self.window.until(lambda: self.window.driver.execute_script("return jQuery.active === 0"), "it is saved")


class Student:
    """Works in JupyterLab."""

    def __init__(self, window: Window) -> None:
        self.window = window

    def cells(self) -> list[str]:
        return [cell.text for cell in self.window.all(".jp-Notebook .jp-Cell")]

    def answer(self) -> None:
        """Every task, each cell run as one goes, and the notebook saved."""
        for beginning, text in ANSWERS.items():
            cell = self.window.until(lambda b=beginning: self._cell(b), f"the cell {beginning}")
            if "jp-mod-rendered" in cell.get_attribute("class"):  # a double click turns text into its editor
                ActionChains(self.window.driver).double_click(cell.find_element(By.CSS_SELECTOR, "p")).perform()
            self.window.until(lambda c=cell: _clicked(c, ".cm-content"), f"the editor of {beginning}")
            self.window.type_over(text)
            self.window.keys(Keys.CONTROL, Keys.ENTER)
        self.window.keys(Keys.CONTROL, "s")
        tab = "#jp-main-dock-panel .lm-TabBar-tab.jp-mod-current"
        self.window.until(lambda: "jp-mod-dirty" not in self.window.find(tab).get_attribute("class"), "it is saved")

    def _cell(self, beginning: str) -> WebElement:
        fitting = [c for c in self.window.all(".jp-Notebook .jp-Cell") if beginning in c.text]
        return [c for c in fitting if "Replace every" not in c.text][0]

    def open_assignment_list(self) -> None:
        self.window.click(".lm-MenuBar-itemLabel", "Nbgrader")
        self.window.click(".lm-Menu-itemLabel", "Assignment List")

    def submit(self) -> None:
        self.window.click("#fetched_assignments_list button", "Submit")
        self.window.find("#submitted_assignments_list .list_item")


def _clicked(cell: WebElement, css: str) -> bool:
    cell.find_element(By.CSS_SELECTOR, css).click()
    return True

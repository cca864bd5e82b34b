"""The documentation can't rot: what is there is documented, and what is documented is there."""

import re
from pathlib import Path

import pytest

from . import inventory


@pytest.fixture(scope="session")
def docs(root) -> Path:
    return root / "docs"


@pytest.fixture(scope="session")
def pages(root, docs) -> dict[str, str]:
    """Every page's text by its path."""
    files = [*docs.rglob("*.md"), root / "README.md", root / "CHANGELOG.md"]
    return {path.relative_to(root).as_posix(): path.read_text() for path in files}


def headings(text: str) -> set[str]:
    """What stands in code font in a heading: `## `apply`` -> apply."""
    return set(re.findall(r"^#{2,4} `([^`]+)`", text, re.MULTILINE))


def sections(text: str) -> dict[str, str]:
    """A page's text below each heading in code font, up to the next heading of any kind."""
    found = re.findall(r"^#{2,4} `([^`]+)`[^\n]*\n(.*?)(?=^#{1,4} |\Z)", text, re.MULTILINE | re.DOTALL)
    return dict(found)


def test_every_setting_has_its_heading_and_no_other_has(docs):
    documented = {name.removeprefix("c.") for name in headings((docs / "configuration.md").read_text())}
    documented = {name for name in documented if "." in name}
    assert documented == inventory.settings()


def test_every_environment_variable_is_documented_and_no_other_is(docs):
    documented = set(re.findall(r"`(JUPYTERHUB_COURSES_\w+)`", (docs / "configuration.md").read_text()))
    assert documented == inventory.environment_variables()


def test_every_command_has_its_heading_and_no_other_has(docs):
    assert headings((docs / "commands.md").read_text()) == {name for name, _ in inventory.commands()}


def test_every_option_is_documented_with_its_command(docs):
    text = (docs / "commands.md").read_text()
    # Options of all commands stand once, ahead of the first of them.
    shared = set(re.findall(r"`(--[\w-]+)", text.split("\n## `", 1)[0]))
    missing = {}
    for name, cls in inventory.commands():
        documented = set(re.findall(r"(--[\w-]+)", sections(text).get(name, "")))
        missing[name] = inventory.options(cls) - documented - shared
        invented = documented - inventory.options(cls) - shared
        assert not invented, f"{name} does not take {invented}"
    assert not any(missing.values()), missing


def test_every_make_target_is_documented(root, docs):
    documented = set(re.findall(r"`make ([a-z0-9-]+)", (docs / "development.md").read_text()))
    assert documented >= inventory.make_targets(root) - {"help"}


def test_no_page_names_a_make_target_that_is_not_there(root, pages):
    for name, text in pages.items():
        named = set(re.findall(r"(?:`|^|^ {4})make ([a-z][a-z0-9-]+)", text, re.MULTILINE))
        assert named <= inventory.make_targets(root), name


def test_no_page_names_a_command_that_is_not_there(pages):
    known = {name.split()[0] for name, _ in inventory.commands()}
    for name, text in pages.items():
        named = set(re.findall(r"(?:`|^ {4}|^|\$ )jupyterhub-courses ([a-z][a-z-]*)", text, re.MULTILINE))
        assert named <= known, name


def test_every_field_of_a_courses_file_is_documented(docs):
    text = (docs / "courses-file.md").read_text()
    documented = set(re.findall(r"`([\w.]+)`", text))
    missing = {path for path in inventory.file_fields() if path not in documented}
    assert missing == set()


def test_the_example_of_a_courses_file_is_valid(docs):
    from jupyterhub_courses.core.filecheck import check_text

    examples = re.findall(r"```yaml\n(.*?)```", (docs / "courses-file.md").read_text(), re.DOTALL)
    assert examples
    for example in examples:
        checked = check_text(example)
        assert checked.problems == (), example


def test_every_file_that_the_architecture_names_exists(root, docs):
    text = (docs / "architecture.md").read_text()
    named = set(re.findall(r"`([\w./-]+(?:/|\.py|\.cfg|\.json|\.toml))`", text))
    package = root / "jupyterhub_courses"
    assert named
    assert {name for name in named if not (root / name).exists() and not (package / name).exists()} == set()


def test_the_architecture_names_every_part(root, docs):
    text = (docs / "architecture.md").read_text()
    package = root / "jupyterhub_courses"
    stories = {f"usecases/{path.name}" for path in (package / "usecases").glob("[a-z]*.py")}
    packages = {path.parent for path in package.rglob("__init__.py")}
    adapters = {f"adapters/{path.name}/" for path in packages if path.parent == package / "adapters"}
    edges = {f"{path.name}/" for path in packages if path.parent == package}
    edges |= {path.name for path in package.glob("[a-z]*.py")}
    assert {part for part in stories | adapters | edges if f"`{part}" not in text} == set()


def test_links_and_pictures_of_pages_outside_the_built_site_lead_somewhere(root, pages):
    for name in ("README.md", "CHANGELOG.md"):
        targets = re.findall(r"\]\(([^)#]+)[^)]*\)", pages[name])
        local = [target for target in targets if not re.match(r"\w+:", target)]
        assert [target for target in local if not (root / target).exists()] == [], name

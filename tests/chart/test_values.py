"""chart-values/ fits z2jh's chart: every file alone, and as they are used together. The schema is the chart's own."""

import os
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from jupyterhub_courses.core.names import SERVICE_NAME
from tests.conftest import ROOT, left_out

VALUES = ROOT / "chart-values"
#: As they are used: the later file's value counts, as with helm.
RELEASES = {
    "courses": ["courses"],
    "production": ["courses", "production"],
    "staging": ["courses", "staging"],
    "k3s": ["courses", "k3s"],
}


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The chart's schema without `required`: what these files leave out is the chart's own values.yaml's."""
    folder = Path(os.environ.get("JUPYTERHUB_COURSES_Z2JH") or ROOT.parent / "shared" / "z2jh")
    if not (folder / "values.schema.yaml").is_file():
        left_out("the schema of z2jh's values", "JUPYTERHUB_COURSES_Z2JH names a folder with values.schema.yaml")

    def without_required(part: Any) -> Any:
        if isinstance(part, dict):
            # `required` may be a property's name, too.
            return {
                name: without_required(value)
                for name, value in part.items()
                if not (name == "required" and isinstance(value, list))
            }
        return [without_required(one) for one in part] if isinstance(part, list) else part

    return without_required(yaml.safe_load((folder / "values.schema.yaml").read_text()))


def merged(names: list[str]) -> dict[str, Any]:
    """Values as helm merges them: maps by key, everything else replaced."""

    def merge(below: Any, above: Any) -> Any:
        if isinstance(below, dict) and isinstance(above, dict):
            return {**below, **{name: merge(below.get(name), value) for name, value in above.items()}}
        return deepcopy(above)

    values: dict[str, Any] = {}
    for name in names:
        values = merge(values, yaml.safe_load((VALUES / f"{name}.yaml").read_text()))
    return values


def problems(schema: dict[str, Any], values: dict[str, Any]) -> list[str]:
    """What the chart would refuse."""
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [f"{'.'.join(map(str, one.absolute_path))}: {one.message[:200]}" for one in validator.iter_errors(values)]


def test_every_file_is_one_of_a_release():
    assert {path.stem for path in VALUES.glob("*.yaml")} == {name for names in RELEASES.values() for name in names}


@pytest.mark.parametrize("release", RELEASES)
def test_the_chart_takes_the_values(release, schema):
    assert problems(schema, merged(RELEASES[release])) == []


def test_the_chart_takes_the_values_of_the_documentation(schema):
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "kubernetes.md").read_text(), re.DOTALL)
    (own,) = (yaml.safe_load(block) for block in blocks if "singleuser:" in block)
    assert problems(schema, own) == []


def test_the_schema_refuses_a_name_that_the_chart_does_not_have(schema):
    values = merged(RELEASES["production"])
    values["hub"]["networkPolicy"]["interNamespaceAccess"] = "accept"
    assert len(problems(schema, values)) == 1


@pytest.mark.parametrize("release", RELEASES)
def test_no_release_undoes_what_courses_need(release):
    values = merged(RELEASES[release])
    assert values["hub"]["services"][SERVICE_NAME]["url"].endswith(":8085")
    assert "configure_cluster(c)" in values["hub"]["extraConfig"]["courses"]
    assert values["singleuser"]["cloudMetadata"]["blockWithIptables"] is False
    for policy in (values["hub"]["networkPolicy"], values["proxy"]["chp"]["networkPolicy"]):
        assert policy["interNamespaceAccessLabels"] == "accept"
        assert {port["port"] for rule in policy["egress"] for port in rule["ports"]} == {8888, 8085}


@pytest.mark.parametrize("name", ["courses", "production", "staging", "k3s"])
def test_the_configuration_of_the_hub_is_python(name):
    values = yaml.safe_load((VALUES / f"{name}.yaml").read_text())
    for text in values["hub"].get("extraConfig", {}).values():
        compile(text, name, "exec")

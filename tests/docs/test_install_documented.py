"""docs/install.md, kubernetes.md, mcp.md and llms.txt say what there is: extras, hooks, inputs, values, tools."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
INSTALL = (DOCS / "install.md").read_text()
KUBERNETES = (DOCS / "kubernetes.md").read_text()
MCP = (DOCS / "mcp.md").read_text()


def rows(text: str, head: str) -> list[str]:
    """The first cells, in code, of the table with this head."""
    table = text.partition(f"| {head} |")[2].partition("\n\n")[0]
    return [
        name
        for row in re.findall(r"^\| (.*?) \|", table, re.M)
        for name in re.findall(r"`([^`]+)`", row)
    ]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def test_every_extra_is_listed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(rows(INSTALL, "extra")) == set(project["optional-dependencies"])


def test_every_hook_is_listed_and_the_example_names_them() -> None:
    hooks = {one["id"] for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    example = yaml.safe_load(next(one for one in blocks(INSTALL, "yaml") if "repos:" in one))
    assert set(rows(INSTALL, "hook")) == hooks
    assert {one["id"] for one in example["repos"][0]["hooks"]} == hooks


def test_the_action_s_example_has_inputs_that_there_are() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    workflow = yaml.safe_load(next(one for one in blocks(INSTALL, "yaml") if "jobs:" in one))
    used = [one for one in workflow["jobs"]["events"]["steps"] if "chappe@" in one["uses"]]
    required = {name for name, one in action["inputs"].items() if one.get("required")}
    assert len(used) == 2
    for step in used:
        assert required <= set(step["with"]) <= set(action["inputs"])


def test_the_values_that_are_told_of_exist() -> None:
    values = yaml.safe_load((ROOT / "deploy" / "helm" / "chappe" / "values.yaml").read_text())
    named = [*rows(KUBERNETES, "value"), *re.findall(r"--set ([\w.]+)=", KUBERNETES)]
    assert len(named) > 8
    for name in named:
        found: Any = values
        for part in name.split("."):
            assert part in found, name
            found = found[part]
    example = yaml.safe_load(next(one for one in blocks(KUBERNETES, "yaml") if "external:" in one))
    assert set(example["external"]) <= set(values["external"])


def test_every_tool_is_told_of() -> None:
    pytest.importorskip("mcp", reason="the extra mcp is not installed")
    from chappe.cli.mcp_read import Reading
    from chappe.cli.mcp_write import Writing

    reads = {name for name in vars(Reading) if not name.startswith("_")}
    writes = {name for name in vars(Writing) if not name.startswith("_")}
    assert set(rows(MCP, "tool")) == reads
    assert {name for name in writes if f"`{name}`" in MCP} == writes


@pytest.mark.parametrize(
    "name", ["llms.txt", "docs/install.md", "docs/kubernetes.md", "docs/mcp.md"]
)
def test_each_link_within_the_project_leads_somewhere(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    own = [one for one in links if "://" not in one]
    assert own
    assert [one for one in own if not (page.parent / one).exists()] == []

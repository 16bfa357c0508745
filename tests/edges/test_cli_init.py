"""`chappe init`: what it makes is taken by a hub, judged by the hooks, and run by the workflow."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cli_process import Cli, Ran, chappe
from click.testing import CliRunner

from chappe import __version__
from chappe.cli import help_tree
from chappe.cli.init import AGENTS, FILES, SKILL
from chappe.cli.main import root
from chappe.domain.errors import Conflict

__all__ = ["chappe"]  # a fixture


def init(*arguments: str) -> list[str]:
    """Run it here; the names of what it wrote."""
    outcome = CliRunner().invoke(
        root, ["init", *arguments], prog_name="chappe", standalone_mode=False
    )
    if outcome.exception is not None:
        # As the command line shows it.
        raise getattr(outcome.exception, "error", outcome.exception)
    return outcome.stdout.split()


def ran(where: Path, *command: str, **environment: str) -> Ran:
    done = subprocess.run(
        command,
        cwd=where,
        capture_output=True,
        timeout=60,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("CHAPPE_", "GIT_"))},
            **environment,
        },
        check=False,
    )
    return Ran(done.stdout.decode(), done.stderr.decode(), done.returncode)


def git(where: Path, *arguments: str) -> None:
    who = {
        f"GIT_{role}_{part}": "a@example.com"
        for role in ("AUTHOR", "COMMITTER")
        for part in ("NAME", "EMAIL")
    }
    done = ran(where, "git", *arguments, **who, GIT_CONFIG_GLOBAL=os.devnull)
    assert done.code == 0, done.err


def steps(where: Path, job: str) -> list[dict[str, Any]]:
    workflow = yaml.safe_load((where / ".github/workflows/events.yml").read_text())
    return [one for one in workflow["jobs"][job]["steps"] if "run" in one]


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A directory with a `uvx` that runs the chappe of these tests, whatever version is asked for."""
    folder = tmp_path / "programs"
    folder.mkdir()
    uvx = folder / "uvx"
    uvx.write_text(
        f'#!/bin/sh\ntest "$1 $2 $3" = "--from chappe=={__version__} chappe" || exit 99\n'
        f'shift 3\nexec {sys.executable} -m chappe "$@"\n'
    )
    uvx.chmod(0o755)
    return folder


def test_it_names_what_it_writes_and_writes_nothing_over(tmp_path: Path) -> None:
    planned = init(str(tmp_path / "a"), "--dry-run")
    written = init(str(tmp_path / "a"))
    (tmp_path / "a" / "README.md").write_text("mine")
    shutil.rmtree(tmp_path / "a" / "registry")
    with pytest.raises(Conflict, match=r"README\.md"):
        init(str(tmp_path / "a"))
    kept = (tmp_path / "a" / "README.md").read_text()
    nothing = (tmp_path / "a" / "registry").exists()
    init(str(tmp_path / "a"), "--force")

    assert planned == written
    assert sorted(written) == sorted(str(tmp_path / "a" / one) for one in [*FILES, "chappe.toml"])
    assert (kept, nothing) == ("mine", False)
    assert all(Path(one).stat().st_size for one in written)
    assert (tmp_path / "a" / "README.md").read_text() != "mine"


def test_nothing_is_left_to_be_filled_in(tmp_path: Path) -> None:
    import tomllib

    url = 'http://h.example:1/"x'
    written = init(str(tmp_path), "--url", url, "--agents")
    texts = {one: Path(one).read_text() for one in written}

    assert [one for one, text in texts.items() if re.search(r"@[A-Z]{3,}@", text)] == []
    assert tomllib.loads(texts[str(tmp_path / "chappe.toml")]) == {"cli": {"url": url}}
    producers = yaml.safe_load(texts[str(tmp_path / "registry/producers.yaml")])
    (end,) = producers["endpoints"]["checkout"]["protocoloptions"]["endpoints"]
    assert end == {"uri": f"{url}/events"}


def test_a_hub_takes_the_files_and_then_there_is_no_difference(chappe: Cli, tmp_path: Path) -> None:
    init(str(tmp_path), "--url", chappe.url)
    files = str(tmp_path / "registry")
    before = chappe("diff", "-f", files)
    applied = chappe("apply", "-f", files)
    after = chappe("diff", "-f", files)
    sent = chappe("event", "send", str(tmp_path / "events" / "order.paid.json"))
    refused = chappe("event", "send", "--type", "order.paid", "-d", '{"order": "A-1"}')
    linted = chappe("type", "lint", "order.paid")
    producers = chappe("type", "producers", "order.paid", "-o", "name")

    assert (before.code, applied.code, after.code) == (1, 0, 0), applied.err
    assert (sent.code, refused.code, linted.code) == (0, 1, 0), sent.err
    assert "checkout" in producers.out
    assert chappe("sub", "get", "billing", "-o", "json").json["paused"] is True


def test_the_hooks_pass_and_say_no_to_what_breaks(tmp_path: Path) -> None:
    init(str(tmp_path))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "begin")
    config = yaml.safe_load((tmp_path / ".pre-commit-config.yaml").read_text())
    hooks = {one["id"]: one for repo in config["repos"] for one in repo["hooks"]}
    tracked = ran(tmp_path, "git", "ls-files").lines

    def run(hook: str) -> Ran:
        one = hooks[hook]
        assert one["additional_dependencies"] == [f"chappe=={__version__}"]
        files = [name for name in tracked if re.search(one["files"], name)]
        assert files
        return ran(tmp_path, sys.executable, "-m", *one["entry"].split(), *files)

    well = [run(hook).code for hook in hooks]
    types = tmp_path / "registry" / "orders.yaml"
    types.write_text(types.read_text().replace("total: {type: number", "total: {type: string"))
    narrower, misfit = run("chappe-schema-check"), run("chappe-validate")
    types.write_text(types.read_text().replace("type: object", "type: thing"))
    broken = run("chappe-lint")
    producers = tmp_path / "registry" / "producers.yaml"
    producers.write_text(producers.read_text().replace("labels:", "labelz:"))
    misspelt = run("chappe-lint")

    assert well == [0, 0, 0]
    assert (narrower.code, misfit.code, broken.code) == (1, 1, 1), narrower.err
    assert "/messagegroups/orders/messages/order.paid/dataschema/properties/total" in narrower.out
    assert "/total" in misfit.out
    assert "invalid-schema" in broken.out
    assert "/endpoints/checkout" in misspelt.out
    assert "did you mean 'labels'?" in misspelt.out


def test_the_workflow_judges_shows_and_applies(chappe: Cli, tmp_path: Path, programs: Path) -> None:
    where = tmp_path / "repository"
    init(str(where), "--url", chappe.url)
    git(where, "init", "-q")
    git(where, "add", "-A")
    git(where, "commit", "-qm", "begin")
    types = where / "registry" / "orders.yaml"
    types.write_text(types.read_text().replace("An order was paid", "An order was paid, in full"))
    workflow = yaml.safe_load((where / ".github/workflows/events.yml").read_text())
    summary = tmp_path / "summary"
    environment = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "CHAPPE": workflow["env"]["CHAPPE"],
        "CHAPPE_URL": chappe.url,
        "BASE": "HEAD",
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    codes = {}
    for job in ("check", "apply"):
        for step in steps(where, job):
            done = ran(where, "bash", "-eo", "pipefail", "-c", step["run"], **environment)
            codes[step["name"]] = done.code
    after = chappe("diff", "-f", str(where / "registry"))

    assert set(codes.values()) == {0}, codes
    assert len(codes) == 5
    assert "An order was paid, in full" in summary.read_text()
    assert after.code == 0
    # `on` is true to YAML 1.1; GitHub reads it as a word.
    assert set(workflow[True]) == {"pull_request", "push"}


def test_the_skill_has_every_command_under_its_impact(tmp_path: Path) -> None:
    init(str(tmp_path), "--agents")
    text = (tmp_path / SKILL).read_text()
    _, front, body = text.split("---\n", 2)
    header = yaml.safe_load(front)
    read, write, destructive = body.split("\n## Commands that ")[1:]
    sections = {"read": read, "write": write, "destructive": destructive}

    assert header["name"] == "chappe"
    assert 50 < len(header["description"]) < 1024
    for one in help_tree.whole(root)["commands"]:
        assert f"- `chappe {one['name']}`:" in sections[one["impact"]]
    assert len(text) < 24_000


def test_of_the_assistants_page_only_a_section_is_written(tmp_path: Path) -> None:
    page = tmp_path / AGENTS
    page.write_text("# Ours\n\nDo this.\n")
    init(str(tmp_path), "--agents")
    once = page.read_text()
    page.write_text(once + "\nAnd that.\n")
    init(str(tmp_path), "--agents", "--force")
    twice = page.read_text()

    assert once.startswith("# Ours\n\nDo this.\n\n<!-- chappe")
    assert SKILL in once
    assert twice == once + "\nAnd that.\n"

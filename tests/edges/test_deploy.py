"""deploy/: that the files say what the hub understands. With helm on PATH the chart is rendered, too."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from chappe.cli.registry_yaml import read_yaml
from chappe.server.settings import describe, load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "chappe"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
SCHEMA = json.loads((CHART / "values.schema.json").read_text())
SETTINGS = {info.env for info in describe()}
HELM = shutil.which("helm")

with_helm = pytest.mark.skipif(HELM is None, reason="helm is not here")


def instructions(name: str) -> list[tuple[str, str]]:
    """Of a Containerfile: ("COPY", "src ./src")."""
    text = (DEPLOY / "container" / name).read_text()
    joined = re.sub(r"\\\n(\s*#.*\n)*", " ", text)
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def test_what_the_image_copies_is_there_and_let_through() -> None:
    found = [rest.split() for word, rest in instructions("Containerfile") if word == "COPY"]
    sources = [one for words in found if not words[0].startswith("--") for one in words[:-1]]
    let = (DEPLOY / "container" / "Containerfile.dockerignore").read_text().splitlines()
    assert sources
    assert [one for one in sources if not (ROOT / one).exists()] == []
    assert {f"!{one}" for one in sources} == {one for one in let if one.startswith("!")}


def test_the_image_runs_as_nobody_with_settings_that_exist() -> None:
    last = instructions("Containerfile")
    stage = last[max(i for i, (word, _) in enumerate(last) if word == "FROM") :]
    said = dict(stage)
    names = {n for w, rest in stage if w == "ENV" for n in re.findall(r"(CHAPPE_\w+)=", rest)}
    assert said["USER"] == "10001:10001"
    assert names
    assert names <= SETTINGS
    assert json.loads(said["ENTRYPOINT"]) == ["python", "-m", "chappe"]
    check = json.loads(said["HEALTHCHECK"].partition("CMD ")[2])
    compile(check[2], "HEALTHCHECK", "exec")


def test_the_unit_names_settings_that_exist_and_is_told_of_the_start() -> None:
    unit = (DEPLOY / "systemd" / "chappe.service").read_text()
    lines = dict(re.findall(r"^(\w+)=(.*)$", unit, re.M))
    assert set(re.findall(r"(CHAPPE_\w+)=", lines["Environment"])) <= SETTINGS
    assert (lines["Type"], lines["DynamicUser"], lines["KillMode"]) == ("notify", "yes", "mixed")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_reads_the_unit_and_finds_little_exposed() -> None:
    unit = DEPLOY / "systemd" / "chappe.service"
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout[-300:] + done.stderr
    read = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60
    )
    complaints = [one for one in read.stderr.splitlines() if "chappe" in one]
    assert [one for one in complaints if "is not executable" not in one] == []


def test_every_yaml_file_outside_of_templates_can_be_read() -> None:
    files = [
        one
        for one in [*DEPLOY.rglob("*.yaml"), *DEPLOY.rglob("*.yml")]
        if "templates" not in one.parts
    ]
    assert len(files) >= 5
    for file in files:
        assert list(read_yaml(file.read_text())), file


def test_the_chart_s_own_values_keep_its_schema() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    jsonschema.validate(VALUES, SCHEMA)
    assert set(SCHEMA["properties"]) - {"global"} == set(VALUES)
    for name, one in SCHEMA["properties"].items():
        if one.get("additionalProperties") is False:
            assert set(one["properties"]) == set(VALUES[name]), name


def test_the_chart_has_the_project_s_version() -> None:
    from chappe import __version__

    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


def test_settings_in_the_chart_s_values_are_the_hub_s(tmp_path: Path) -> None:
    load(VALUES["settings"], {}, tmp_path)


def test_the_plain_manifests_name_settings_that_exist() -> None:
    text = (DEPLOY / "kubernetes" / "hub.yaml").read_text()
    custom = (DEPLOY / "kubernetes" / "kustomization.yaml").read_text()
    assert set(re.findall(r"CHAPPE_\w+", text + custom)) <= SETTINGS


def test_templates_name_values_that_exist() -> None:
    for file in CHART.rglob("templates/**/*"):
        if not file.is_file():
            continue
        for path in re.findall(r"\.Values\.([\w.]+)", file.read_text()):
            found: Any = VALUES
            for part in path.split("."):
                if path.startswith("nats.") and part not in found:
                    break  # of the other chart
                assert part in found, (file.name, path)
                found = found[part]


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """The chart with an empty one in place of NATS', which is not here."""
    copy = tmp_path / "chart"
    shutil.copytree(CHART, copy)
    nats = copy / "charts" / "nats"
    (nats / "templates").mkdir(parents=True)
    (nats / "Chart.yaml").write_text("apiVersion: v2\nname: nats\nversion: 2.14.2\n")
    return copy


def rendered(chart: Path, values: Mapping[str, Any]) -> tuple[list[Any], str]:
    """The objects, or why there are none."""
    file = chart.parent / "values.yaml"
    file.write_text(json.dumps(values))
    command = [HELM or "helm", "template", "x", str(chart), "--kube-version", "1.32.0"]
    done = subprocess.run(
        [*command, "-f", str(file)], capture_output=True, text=True, timeout=120, check=False
    )
    objects = [one for one in yaml.safe_load_all(done.stdout) if one] if not done.returncode else []
    return objects, done.stderr


TOKENS = {"tokens": {"existingSecret": "y"}}  # YAML would read a plain y as true
CLUSTER = {**TOKENS, "secretKey": {"existingSecret": "k"}, "replicaCount": 2}


@with_helm
@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        (TOKENS, set()),
        ({**TOKENS, "persistence": {"enabled": False}}, set()),
        ({**CLUSTER, "nats": {"enabled": True}}, {"PodDisruptionBudget"}),
        ({**CLUSTER, "external": {"urls": ["nats://n:4222"]}}, {"PodDisruptionBudget"}),
        (
            {
                **CLUSTER,
                "external": {"existingSecret": "n", "credsKey": "c"},
                "autoscaling": {"enabled": True},
                "ingress": {"enabled": True},
                "serviceMonitor": {"enabled": True, "tokenSecret": "no"},
            },
            {"PodDisruptionBudget", "HorizontalPodAutoscaler", "Ingress", "ServiceMonitor"},
        ),
        (
            {
                **CLUSTER,
                "nats": {"enabled": True},
                "keda": {"enabled": True, "prometheusAddress": "http://p"},
            },
            {"PodDisruptionBudget", "ScaledObject"},
        ),
    ],
)
def test_a_rendered_chart_has_what_was_asked_for(
    chart: Path, values: Mapping[str, Any], kinds: set[str]
) -> None:
    objects, error = rendered(chart, values)
    always = {"StatefulSet", "Service", "ConfigMap", "ServiceAccount", "NetworkPolicy", "Pod"}
    assert {one["kind"] for one in objects} == always | kinds, error
    (hub,) = (one for one in objects if one["kind"] == "StatefulSet")
    (container,) = hub["spec"]["template"]["spec"]["containers"]
    assert {one["name"] for one in container["env"]} <= SETTINGS
    mounted = {one["name"] for one in container["volumeMounts"]}
    volumes = {one["name"] for one in hub["spec"]["template"]["spec"]["volumes"]}
    claims = {one["metadata"]["name"] for one in hub["spec"].get("volumeClaimTemplates", ())}
    assert mounted <= volumes | claims
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


@with_helm
def test_settings_come_to_the_hub_as_they_were_written(chart: Path, tmp_path: Path) -> None:
    wanted = {"retention_bytes": 53687091200, "delivery_timeout_s": 0.5, "egress_https_only": True}
    listed = {"egress_allow": ["10.0.0.0/8", "*.example.com:443"], "registry_id": "hub"}
    objects, error = rendered(chart, {**TOKENS, "settings": {**wanted, **listed}})
    (config,) = (one for one in objects if one["kind"] == "ConfigMap")
    file = tmp_path / "chappe.toml"
    file.write_text(config["data"]["chappe.toml"])
    found = load({"config": str(file)}, {}, tmp_path)
    assert found.retention_bytes == 53687091200, error
    assert (found.delivery_timeout_s, found.egress_https_only) == (0.5, True)
    assert found.registry_id == "hub"


@with_helm
@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "tokens.existingSecret: a hub that others reach needs a tokens file"),
        ({**TOKENS, "replicaCount": 2}, "a hub with its own engine has one node"),
        (
            {**TOKENS, "replicaCount": 2, "nats": {"enabled": True}},
            "several nodes need the same key",
        ),
        (
            {**TOKENS, "nats": {"enabled": True}, "external": {"urls": ["nats://n"]}},
            "only one of them says which NATS",
        ),
        ({**TOKENS, "replicacount": 2}, "replicacount"),
        ({**TOKENS, "settings": {"nats": "nats://u:p@n"}}, "/settings"),
    ],
)
def test_what_does_not_go_together_is_refused_with_the_reason(
    chart: Path, values: Mapping[str, Any], said: str
) -> None:
    objects, error = rendered(chart, values)
    assert objects == []
    assert said in error

"""Settings: where they come from, what is refused, and that the documentation has them all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from chappe.domain.claims import parse_claim_role
from chappe.domain.egress import EgressPolicy, parse_allowance
from chappe.domain.errors import InvalidSetting
from chappe.server.settings import (
    SettingInfo,
    Settings,
    check_exposure,
    describe,
    egress_policy,
    load,
)

ALLOWANCES = (
    "networks (10.0.0.0/8), addresses, hosts (hooks.example.com, *.example.com), each with :PORT or without,"
    " separated by commas"
)
DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"


def loaded(
    cwd: Path, *, environ: Mapping[str, str] | None = None, file: str = "", **flags: object
) -> Settings:
    if file:
        (cwd / "chappe.toml").write_text(file)
    return load(flags, {"CHAPPE_DATA": str(cwd / "data"), **(environ or {})}, cwd)


def refusal(
    cwd: Path, *, environ: Mapping[str, str] | None = None, file: str = "", **flags: object
) -> str:
    with pytest.raises(InvalidSetting) as caught:
        loaded(cwd, environ=environ, file=file, **flags)
    return caught.value.message


# ---- where they come from


def test_the_default_stands_where_nothing_is_said(tmp_path: Path) -> None:
    assert loaded(tmp_path).retention_age_s == 604_800


def test_the_file_beats_the_default(tmp_path: Path) -> None:
    assert loaded(tmp_path, file="port = 1").port == 1


def test_the_environment_beats_the_file(tmp_path: Path) -> None:
    assert loaded(tmp_path, file="port = 1", environ={"CHAPPE_PORT": "2"}).port == 2


def test_a_flag_beats_the_environment(tmp_path: Path) -> None:
    assert loaded(tmp_path, environ={"CHAPPE_PORT": "2"}, port=3).port == 3


def test_a_flag_that_was_not_given_beats_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, environ={"CHAPPE_PORT": "2"}, port=None).port == 2


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    assert loaded(tmp_path, file="port = 1", environ={"CHAPPE_PORT": ""}).port == 1


def test_a_wrong_value_is_refused_even_where_a_stronger_place_has_a_right_one(
    tmp_path: Path,
) -> None:
    assert "port: 'x'" in refusal(tmp_path, environ={"CHAPPE_PORT": "x"}, port=3)


@pytest.mark.parametrize("place", ["flag", "environment"])
def test_the_file_can_be_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "other.toml").write_text("port = 7")
    (tmp_path / "chappe.toml").write_text("port = 1")
    if place == "flag":
        settings = loaded(tmp_path, config="other.toml")
    else:
        settings = loaded(tmp_path, environ={"CHAPPE_CONFIG": "other.toml"})
    assert settings.port == 7


def test_paths_in_the_file_start_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "c.toml").write_text('data = "d"')
    settings = load({"config": "etc/c.toml"}, {}, tmp_path)
    assert settings.data == tmp_path / "etc" / "d"


def test_paths_of_flags_start_where_the_node_was_started(tmp_path: Path) -> None:
    assert loaded(tmp_path, data="d").data == tmp_path / "d"


def test_the_data_directory_is_the_users_own_by_default(tmp_path: Path) -> None:
    settings = load({}, {}, tmp_path)
    assert settings.data.name == "chappe"
    assert settings.data.is_absolute()
    assert not settings.data_named


def test_a_data_directory_that_was_named_is_known_as_such(tmp_path: Path) -> None:
    assert load({}, {"CHAPPE_DATA": "d"}, tmp_path).data_named


def test_the_tokens_file_in_the_data_directory_is_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "tokens.json").touch()
    assert loaded(tmp_path).tokens == tmp_path / "data" / "tokens.json"


def test_without_a_tokens_file_there_is_none(tmp_path: Path) -> None:
    assert loaded(tmp_path).tokens is None


def test_nats_urls_come_one_by_one(tmp_path: Path) -> None:
    settings = loaded(tmp_path, nats="nats://a:4222, tls://b")
    assert settings.nats_urls == ("nats://a:4222", "tls://b")


def test_every_setting_can_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    given = {
        "CHAPPE_DATA": "d",
        "CHAPPE_HOST": "::1",
        "CHAPPE_PORT": "0",
        "CHAPPE_CONFLUENT_PORT": "8081",
        "CHAPPE_NATS": "nats://a",
        "CHAPPE_NATS_CREDS": "f",
        "CHAPPE_NATS_SERVER": "/opt/nats-server",
        "CHAPPE_REPLICAS": "3",
        "CHAPPE_SHARDS": "8",
        "CHAPPE_TOKENS": "f",
        "CHAPPE_OIDC_ISSUER": "https://id.example/",
        "CHAPPE_OIDC_CLIENT_ID": "hub",
        "CHAPPE_OIDC_CLIENT_SECRET": "f",
        "CHAPPE_OIDC_AUDIENCE": "https://hub.example",
        "CHAPPE_OIDC_SCOPES": "openid groups",
        "CHAPPE_OIDC_CLAIM": "realm_access.roles",
        "CHAPPE_OIDC_NAME_CLAIM": "email",
        "CHAPPE_OIDC_ROLES": "platform=admin; shop=developer@channels/orders,*/shop;*=viewer",
        "CHAPPE_OIDC_LEEWAY_S": "0",
        "CHAPPE_SESSION_S": "60",
        "CHAPPE_PUBLIC_URL": "https://hub.example/",
        "CHAPPE_WEBHOOK_ORIGIN": "hub.example",
        "CHAPPE_REGISTRY_ID": "shop",
        "CHAPPE_MODEL": "none",
        "CHAPPE_MAX_REGISTRY_BYTES": "1048576",
        "CHAPPE_MAX_EVENT_BYTES": "65536",
        "CHAPPE_MAX_BATCH_BYTES": "65536",
        "CHAPPE_MAX_BATCH_EVENTS": "1",
        "CHAPPE_ACCEPT_CLOUDEVENTS_0_3": "true",
        "CHAPPE_DEDUPE_WINDOW_S": "0",
        "CHAPPE_DEDUPE_EVENTS": "1",
        "CHAPPE_RETENTION_AGE_S": "1.5",
        "CHAPPE_RETENTION_BYTES": "0",
        "CHAPPE_DEADLETTERS_AGE_S": "2.5",
        "CHAPPE_DEADLETTERS_BYTES": "0",
        "CHAPPE_ATTEMPTS_AGE_S": "3.5",
        "CHAPPE_ATTEMPTS_BYTES": "0",
        "CHAPPE_AUDIT_AGE_S": "4.5",
        "CHAPPE_AUDIT_BYTES": "0",
        "CHAPPE_MIN_FREE_BYTES": "0",
        "CHAPPE_INDEX_AGE_S": "60",
        "CHAPPE_INDEX_BYTES": "1048576",
        "CHAPPE_MAX_STREAMS": "7",
        "CHAPPE_DELIVERY_CONCURRENCY": "1",
        "CHAPPE_DELIVERY_TIMEOUT_S": "0.5",
        "CHAPPE_EGRESS": "strict",
        "CHAPPE_EGRESS_ALLOW": "10.0.0.0/8, *.example.com:443",
        "CHAPPE_EGRESS_HTTPS_ONLY": "true",
        "CHAPPE_METRICS_SERIES": "9",
        "CHAPPE_TRACING": "off",
        "CHAPPE_DRAIN_S": "0",
        "CHAPPE_LOG_FORMAT": "json",
        "CHAPPE_LOG_LEVEL": "debug",
    }
    assert set(given) == {each.env for each in describe()}
    assert load({}, given, tmp_path) == Settings(
        data=tmp_path / "d",
        host="::1",
        port=0,
        confluent_port=8081,
        nats="nats://a",
        nats_creds=tmp_path / "f",
        nats_server=Path("/opt/nats-server"),
        replicas=3,
        shards=8,
        tokens=tmp_path / "f",
        oidc_issuer="https://id.example/",
        oidc_client_id="hub",
        oidc_client_secret=tmp_path / "f",
        oidc_audience="https://hub.example",
        oidc_scopes="openid groups",
        oidc_claim="realm_access.roles",
        oidc_name_claim="email",
        oidc_roles=tuple(
            parse_claim_role(one)
            for one in ("platform=admin", "shop=developer@channels/orders,*/shop", "*=viewer")
        ),
        oidc_leeway_s=0,
        session_s=60,
        public_url="https://hub.example",
        webhook_origin="hub.example",
        registry_id="shop",
        model="none",
        max_registry_bytes=1_048_576,
        max_event_bytes=65_536,
        max_batch_bytes=65_536,
        max_batch_events=1,
        accept_cloudevents_0_3=True,
        dedupe_window_s=0,
        dedupe_events=1,
        retention_age_s=1.5,
        retention_bytes=0,
        deadletters_age_s=2.5,
        deadletters_bytes=0,
        attempts_age_s=3.5,
        attempts_bytes=0,
        audit_age_s=4.5,
        audit_bytes=0,
        min_free_bytes=0,
        index_age_s=60,
        index_bytes=1_048_576,
        max_streams=7,
        delivery_concurrency=1,
        delivery_timeout_s=0.5,
        egress="strict",
        egress_allow=(parse_allowance("10.0.0.0/8"), parse_allowance("*.example.com:443")),
        egress_https_only=True,
        metrics_series=9,
        tracing="off",
        drain_s=0,
        log_format="json",
        log_level="debug",
    )


# ---- names that do not exist


def test_an_unknown_name_in_the_file_is_refused_with_the_nearest(tmp_path: Path) -> None:
    file = tmp_path / "chappe.toml"
    assert refusal(tmp_path, file="retention_age = 1") == (
        f"retention_age: there is no such setting (from the file '{file}'); "
        f"did you mean retention_age_s?"
    )


def test_an_unknown_variable_is_refused_with_the_nearest(tmp_path: Path) -> None:
    assert refusal(tmp_path, environ={"CHAPPE_MAX_EVENT_SIZE": ""}) == (
        "CHAPPE_MAX_EVENT_SIZE: there is no such setting "
        "(from the environment variable CHAPPE_MAX_EVENT_SIZE); did you mean CHAPPE_MAX_EVENT_BYTES?"
    )


def test_an_unknown_flag_is_refused_with_the_nearest(tmp_path: Path) -> None:
    assert "did you mean --log-level?" in refusal(tmp_path, log_levle="info")


def test_a_variable_in_the_wrong_case_is_refused(tmp_path: Path) -> None:
    assert "did you mean CHAPPE_PORT?" in refusal(tmp_path, environ={"CHAPPE_Port": "1"})


def test_a_name_like_no_other_is_refused_with_all_that_there_are(tmp_path: Path) -> None:
    message = refusal(tmp_path, file="zzz = 1")
    assert all(each.name in message for each in describe())


def test_what_is_no_setting_cannot_be_set(tmp_path: Path) -> None:
    assert "there is no such setting" in refusal(tmp_path, file="data_named = true")


@pytest.mark.parametrize("name", ["CHAPPE_URL", "CHAPPE_TOKEN", "CHAPPEL", "PATH"])
def test_variables_of_others_are_left_alone(tmp_path: Path, name: str) -> None:
    assert loaded(tmp_path, environ={name: "x"}).port == 4280


def test_what_kubernetes_says_of_a_service_called_chappe_is_left_alone(tmp_path: Path) -> None:
    environ = {
        "CHAPPE_SERVICE_HOST": "10.0.0.7",
        "CHAPPE_SERVICE_PORT": "4280",
        "CHAPPE_SERVICE_PORT_HTTP": "4280",
        "CHAPPE_PORT": "tcp://10.0.0.7:4280",
        "CHAPPE_PORT_4280_TCP": "tcp://10.0.0.7:4280",
        "CHAPPE_PORT_4280_TCP_ADDR": "10.0.0.7",
        "CHAPPE_NATS_PORT": "tcp://10.0.0.8:4222",
        "CHAPPE_NATS_SERVICE_HOST": "10.0.0.8",
    }
    assert loaded(tmp_path, environ=environ).port == 4280


# ---- values that break a rule


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("port", "abc", "a whole number from 0 to 65535"),
        ("port", "65536", "a whole number from 0 to 65535"),
        ("port", "-1", "a whole number from 0 to 65535"),
        ("port", "1.0", "a whole number from 0 to 65535"),
        ("port", "9" * 5_000, "a whole number from 0 to 65535"),
        ("host", "not a host", "a host name or an IP address without brackets"),
        ("host", "[::1]", "a host name or an IP address without brackets"),
        (
            "public_url",
            "hub.example",
            "an http:// or https:// URL without user, query and fragment",
        ),
        (
            "public_url",
            "http://h/#a",
            "an http:// or https:// URL without user, query and fragment",
        ),
        (
            "public_url",
            "http://h/?a",
            "an http:// or https:// URL without user, query and fragment",
        ),
        ("registry_id", "-a", "an id: a letter, digit or _, then up to 127 of these and . - ~ : @"),
        ("model", "nowhere", "hub, none or the path of a file that exists"),
        ("nats", "http://a", "nats:// or tls:// URLs, separated by commas"),
        ("nats", "nats://a,", "nats:// or tls:// URLs, separated by commas"),
        ("nats", "nats://a:port", "nats:// or tls:// URLs, separated by commas"),
        ("nats", "nats://[", "nats:// or tls:// URLs, separated by commas"),
        ("replicas", "2", "1, 3 or 5"),
        ("tokens", "nowhere.json", "the path of a file that exists"),
        ("nats_creds", "nowhere", "the path of a file that exists"),
        ("max_event_bytes", "65535", "a whole number from 65536 to 7340032"),
        ("max_event_bytes", "8388608", "a whole number from 65536 to 7340032"),
        ("accept_cloudevents_0_3", "yes", "true or false"),
        ("retention_bytes", "1", "a whole number 1048576 or more (or 0)"),
        ("dedupe_window_s", "0.5", "a number of seconds, 1 or more (or 0)"),
        ("drain_s", "nan", "a number of seconds, 0 or more"),
        ("drain_s", "inf", "a number of seconds, 0 or more"),
        ("drain_s", "-1", "a number of seconds, 0 or more"),
        ("egress", "open", "auto, local, network, strict or listed"),
        ("egress_allow", "10.0.0.1/8", ALLOWANCES),
        ("egress_allow", "a,,b", ALLOWANCES),
        ("egress_https_only", "1", "true or false"),
        ("log_level", "INFO", "debug, info, warning or error"),
        ("data", "~nobody-has-this-name/x", "a path"),
        ("data", "a\0b", "a path"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_wrong_value_is_named_with_its_rule_and_its_place(
    tmp_path: Path, name: str, value: str, rule: str
) -> None:
    env = f"CHAPPE_{name.upper()}"
    message = refusal(tmp_path, environ={env: value})
    assert message.startswith(f"{name}: {value!r}"[:100])
    assert message.endswith(f"must be {rule} (from the environment variable {env})")


@pytest.mark.parametrize("value", ["true", "1.0", "[1]", "1979-05-27", '"x"', "{}"])
def test_a_wrong_type_in_the_file_is_named_with_the_file(tmp_path: Path, value: str) -> None:
    message = refusal(tmp_path, file=f"port = {value}")
    assert f"must be a whole number from 0 to 65535 (from the file '{tmp_path}/" in message


def test_the_password_of_a_url_is_not_repeated(tmp_path: Path) -> None:
    message = refusal(tmp_path, nats="http://me:hunter2@a")
    assert "hunter2" not in message
    assert "http://…@a" in message


def test_the_password_of_a_url_is_not_in_the_text_of_the_settings(tmp_path: Path) -> None:
    assert "hunter2" not in repr(loaded(tmp_path, nats="nats://me:hunter2@a"))


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    message = refusal(tmp_path, config="nowhere.toml")
    assert message == (
        "config: 'nowhere.toml' must be the path of a file that exists (from the flag --config)"
    )


def test_a_file_that_is_no_toml_is_named_with_the_line(tmp_path: Path) -> None:
    message = refusal(tmp_path, file="port 1")
    assert message.startswith(f"config: '{tmp_path / 'chappe.toml'}' is no TOML: ")
    assert "line 1" in message


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "chappe.toml").write_bytes(b"\xff\xfe")
    assert "is no TOML" in refusal(tmp_path)


def test_a_batch_must_have_room_for_one_event(tmp_path: Path) -> None:
    message = refusal(tmp_path, max_batch_bytes=65_536)
    assert "max_batch_bytes: 65536 must be at least max_event_bytes (1048576)" in message


def test_replicas_need_a_cluster(tmp_path: Path) -> None:
    assert "replicas: 3 needs a cluster" in refusal(tmp_path, replicas=3)


def test_credentials_need_servers(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    assert "nats is empty" in refusal(tmp_path, nats_creds="f")


# ---- who may come in


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_this_machine_needs_no_token(tmp_path: Path, host: str) -> None:
    settings = loaded(tmp_path, host=host)
    check_exposure(settings, has_tokens=False)
    assert settings.host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "hub.example.com"])
def test_other_machines_need_a_token(tmp_path: Path, host: str) -> None:
    with pytest.raises(InvalidSetting, match=r"lets other machines in.*tokens\.json") as caught:
        check_exposure(loaded(tmp_path, host=host), has_tokens=False)
    assert repr(host) in caught.value.message


def test_with_a_token_other_machines_may_come_in(tmp_path: Path) -> None:
    settings = loaded(tmp_path, host="0.0.0.0")
    check_exposure(settings, has_tokens=True)
    assert settings.host == "0.0.0.0"


# ---- the documentation


def row(each: SettingInfo) -> str:
    default = each.default if "`" in each.default or " " in each.default else f"`{each.default}`"
    kind = each.type.replace("|", "\\|")
    return f"| `{each.name}` | {kind} | {default} | {each.meaning} |"


@pytest.mark.parametrize("each", describe(), ids=lambda each: each.name)
def test_the_documentation_has_every_setting_with_its_default(each: SettingInfo) -> None:
    assert row(each) in DOCUMENT.read_text(encoding="utf-8").splitlines()


def test_the_documentation_has_no_setting_that_does_not_exist() -> None:
    of_nodes = DOCUMENT.read_text(encoding="utf-8").partition("\n## The command line")[0]
    lines = of_nodes.splitlines()
    rows = [line for line in lines if line.startswith("| `")]
    assert len(rows) == len(describe())


def test_the_file_s_table_of_the_command_line_is_left_alone(tmp_path: Path) -> None:
    settings = loaded(tmp_path, file='port = 1\n[cli]\ncontext = "staging"')

    assert settings.port == 1


def test_variables_of_the_command_line_are_left_alone(tmp_path: Path) -> None:
    environ = {"CHAPPE_CONTEXT": "a", "CHAPPE_CLI_CONFIG": "b", "CHAPPE_ACCESSIBLE": "1"}

    assert loaded(tmp_path, environ=environ).port == 4280


def test_flag_and_variable_follow_from_the_name() -> None:
    (found,) = (each for each in describe() if each.name == "retention_age_s")
    assert (found.flag, found.env) == ("--retention-age-s", "CHAPPE_RETENTION_AGE_S")


# ---- the port of the Confluent API


def test_the_confluent_api_has_no_port_of_its_own_unless_one_is_named(tmp_path: Path) -> None:
    assert loaded(tmp_path).confluent_port is None
    assert loaded(tmp_path, environ={"CHAPPE_CONFLUENT_PORT": "8081"}).confluent_port == 8081
    # What Kubernetes says of a service that is called "chappe-confluent".
    service = {"CHAPPE_CONFLUENT_PORT": "tcp://10.0.0.7:8081"}
    assert loaded(tmp_path, environ=service).confluent_port is None
    assert loaded(tmp_path, file="confluent_port = 0").confluent_port == 0


def test_two_apis_cannot_have_one_port(tmp_path: Path) -> None:
    message = refusal(tmp_path, port="8081", confluent_port="8081")
    assert message.startswith("confluent_port: 8081 must be another than port")


def test_both_may_take_one_that_is_free(tmp_path: Path) -> None:
    assert loaded(tmp_path, port="0", confluent_port="0").confluent_port == 0


# ---- what deliveries may connect to


@pytest.mark.parametrize(
    ("given", "reach"),
    [
        ({}, "local"),
        ({"host": "::1"}, "local"),
        ({"host": "localhost"}, "local"),
        ({"host": "0.0.0.0"}, "network"),
        ({"host": "10.0.0.7"}, "network"),
        ({"public_url": "http://localhost:4280"}, "local"),
        ({"public_url": "https://hub.example"}, "network"),
        ({"host": "0.0.0.0", "egress": "local"}, "local"),
        ({"egress": "strict"}, "strict"),
        ({"egress": "listed"}, "listed"),
    ],
)
def test_a_hub_reaches_as_far_as_it_is_reached_from(
    tmp_path: Path, given: dict[str, str], reach: str
) -> None:
    assert egress_policy(loaded(tmp_path, **given)).reach == reach


def test_the_list_and_https_only_are_part_of_the_policy(tmp_path: Path) -> None:
    file = 'egress_allow = ["127.0.0.1:9000", "hooks.example"]\negress_https_only = true'
    assert egress_policy(loaded(tmp_path, file=file)) == EgressPolicy(
        "local",
        (parse_allowance("127.0.0.1:9000"), parse_allowance("hooks.example")),
        https_only=True,
    )


@pytest.mark.parametrize("raw", ["[1]", "1", "true", '"::1/200"'])
def test_a_list_that_is_none_is_refused(tmp_path: Path, raw: str) -> None:
    assert ALLOWANCES in refusal(tmp_path, file=f"egress_allow = {raw}")

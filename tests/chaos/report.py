"""The report: a table for people, JSON for machines."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict

from tests.chaos.rounds import KILLS, Report

DUPLICATES = """\
Duplicates are what at-least-once costs. After a kill a subscription gets again what it had settled
since the last checkpoint (every 0.1 s, later when a checkpoint takes long) and what was under way
(its concurrency); every copy has the webhook-id of the first. The flaky sink adds those that it took
without saying so."""


def table(report: Report) -> str:
    """What happened, in some thirty lines."""
    findings = report.findings
    lines = [
        "",
        f"{len(report.rounds)} kills, seed {report.plan.seed}, {report.hub_starts} starts of the hub,"
        f" {report.load_s:.0f} s under load, settled {report.settled_s:.1f} s later",
        "",
        "kill     times   back after (median, max; s)",
    ]
    for kind in KILLS:
        times = [one.back_s for one in report.rounds if one.kill == kind and one.back_s]
        if times:
            count = sum(one.kill == kind for one in report.rounds)
            lines.append(
                f"{kind:<8} {count:>5}   {statistics.median(times):>6.2f} {max(times):>6.2f}"
            )
    lines += ["", "subscription   wanted    taken  refused  requests  duplicates  per kill"]
    kills = max(1, len(report.rounds))
    for name, row in findings.subscriptions.items():
        lines.append(
            f"{name:<12} {row['wanted']:>8} {row['taken']:>8} {row['refused']:>8} "
            f"{row['requests']:>9} {row['duplicates']:>11} {row['duplicates'] / kills:>9.1f}"
        )
    lines += [
        "",
        f"acknowledged {findings.acknowledged}, sent again {findings.sent_again}, answered with a"
        f" second position {findings.stored_twice}, dead letters {findings.dead_letters}",
        f"registry: {findings.registered} subscriptions and {findings.declarations} declarations"
        " acknowledged",
        f"delivered again after a restart with all settled: {findings.again_after_restart}",
        "",
        DUPLICATES,
        "",
    ]
    lines += [f"BROKEN: {problem}" for problem in findings.problems] or [
        "0 acknowledged events lost, 0 never settled;"
        f" order kept in {findings.ordered} of {findings.ordered} first settlements."
    ]
    return "\n".join(lines)


def as_json(report: Report) -> str:
    """The whole report."""
    return json.dumps(asdict(report), indent=2)

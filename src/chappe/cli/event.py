"""`chappe event`: its commands are imported when they are called, so that what asks no hub starts fast."""

from __future__ import annotations

import click

from chappe.cli.lazy import LazyGroup

COMMANDS = {
    "send": ("chappe.cli.event_publish:send", "Send events; prints the position of each"),
    "ls": ("chappe.cli.event_read:ls", "List events, newest first"),
    "get": ("chappe.cli.event_read:get", "Show one event"),
    "tail": ("chappe.cli.event_read:tail", "Follow events as they come"),
    "trace": ("chappe.cli.event_trace:trace", "Did it arrive?"),
    "replay": ("chappe.cli.event_again:replay", "Deliver one stored event again"),
    "diff": ("chappe.cli.event_again:diff", "Compare two events"),
    "validate": ("chappe.cli.event_validate:validate", "Ask whether events are valid"),
    "verify": ("chappe.cli.event_verify:verify", "Check the signature of a delivery"),
    "listen": ("chappe.cli.event_local:listen", "Receive events on this machine"),
    "forward": ("chappe.cli.event_forward:forward", "Post events to a URL of this machine's"),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, no_args_is_help=True)
def event() -> None:
    """Send, list, get, follow, trace, check, receive and forward events."""

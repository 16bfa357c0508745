"""What the help of a noun says, kept apart from the commands: to list them, none is imported.

`event` is not here: it knows its commands by where they are, as the root does.

tests/edges/test_cli_cold.py holds it to what the commands say of themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

VERBS: Final[Mapping[str, tuple[str, Mapping[str, str]]]] = {
    "sub": (
        "Subscribe sinks to events.",
        {
            "create": "Have events delivered to a sink; prints the subscription's id, which NAME is if it is given.",
            "edit": "Open a subscription in $EDITOR as YAML, and apply what is saved.",
            "explain": "Tell which subscriptions would get an event, and which test decided.",
            "get": "Show one subscription; its secrets are never shown.",
            "lag": "Tell how many events a subscription is behind, and how old the oldest of them is.",
            "ls": "List the subscriptions, and how delivery goes.",
            "pause": "Let delivery rest: what is under way ends, nothing more begins, nothing is lost.",
            "pull": "Take events of a subscription that was made with --pull.",
            "replay": "Deliver stored events again; prints the id of the subscription that does it.",
            "resume": "Let delivery go on where it stood.",
            "rm": "End subscriptions; what they have not delivered yet is not delivered any more.",
            "rotate": "Give a subscription a new signing key; it is shown this once.",
            "test": "Send one test event to a subscription's sink, signed as all of them, and show the answer.",
        },
    ),
    "delivery": (
        "See what could not be delivered, deliver it again, or put it away.",
        {
            "discard": "Put dead letters away: those at positions, or all that fit; lists show them no more.",
            "export": "Write the events of dead letters as JSON lines of CloudEvents, as they were sent; the oldest first.",
            "get": "Show one dead letter: the event, why it failed, and what redrives did.",
            "ls": "List dead letters, the newest first.",
            "retry": "Deliver dead letters again: those at positions, or all open ones that fit.",
        },
    ),
    "source": (
        "Read events from other brokers, and take other systems' webhooks.",
        {
            "create": "Read from a broker into a channel.",
            "get": "Show one source and how it does; its secrets are never shown.",
            "ls": "List the sources and how they do.",
            "pause": "Let reading rest; the broker keeps what comes, as far as it does that.",
            "resume": "Let reading go on where it stopped.",
            "rm": "End sources; what they have read stays, and so does what the broker keeps for them.",
            "webhook": "Take webhooks of github, gitlab, stripe, slack, shopify, sns, standard or generic senders.",
        },
    ),
    "node": (
        "See the nodes of a hub.",
        {
            "ls": "List the nodes that answer, and how each does; the one that was asked has a *.",
        },
    ),
    "type": (
        "See which types of events are declared, and what they look like.",
        {
            "consumers": "Tell who takes a type: subscriptions that may get it, and endpoints that declare it.",
            "deprecate": "Say that a type is deprecated: from now on, in favour of another one, until it is removed.",
            "get": "Show one type: its attributes, its schema, who sends and takes it, and its newest event.",
            "graph": "Draw who sends what to whom: of some types, or of all that --group, --label and --filter let through.",
            "lint": "Tell what the declarations of types lack: schemas, owners, words; and types that nobody has declared.",
            "ls": "List the types of events.",
            "producers": "Tell who sends a type: endpoints that declare it, and sources that it was seen from.",
            "sample": "Print an event of a type that the hub would take: a real one with an id and a time of its own.",
        },
    ),
    "producer": (
        "See who publishes events.",
        {
            "get": "Show one producer; PRODUCER is its endpoint's id or xid.",
            "import": "Declare sources that were seen in the events and that no endpoint names; prints what it made.",
            "ls": "List who publishes: endpoints that others take events from, and the sources of events seen.",
            "token": "Make a token that may publish, and nothing else; printed this once. On the hub's own machine.",
        },
    ),
    "endpoint": (
        "See where events are sent to and taken from.",
        {
            "get": "Show one endpoint; ENDPOINT is its id or its xid.",
            "ls": "List the endpoints; --group is a group of messages that they carry.",
        },
    ),
    "schema": (
        "Declare what the payload of a type looks like; see schemas and their documents.",
        {
            "add": "Declare the JSON Schema in FILE (or -) for the payloads of TYPE; replaces an earlier one.",
            "check": "Tell whether a schema may become what FILE (or -) holds, and which stored events say no.",
            "diff": "Show the lines that two schemas differ in; JSON is laid out first, so that order alone is no difference.",
            "gen": "Write a schema as types of a programming language.",
            "get": "Show one schema: a type's, or a document of a schema group.",
            "history": "List the versions of a document, the oldest first.",
            "infer": "Draft a JSON Schema from the stored events of TYPE.",
            "lint": "Check JSON Schema files: that they are schemas, and say enough; no hub is needed.",
            "ls": "List the schemas: those declared for a type, and the documents of schema groups.",
            "rm": "Take declarations away; payloads of the type are not checked any more.",
        },
    ),
    "registry": (
        "Export, import, compare and read the registry.",
        {
            "diff": "Compare the hub with FILE, or FILE with FILE2: what is added, removed, changed.",
            "export": "Write the registry, or what is at PATH, as a document that import and apply take.",
            "get": "Read anything by its path: an entity, a collection, /model, /capabilities, a document.",
            "import": "Take exports in: all of it, or nothing. What the hub has besides stays.",
        },
    ),
    "context": (
        "Name the hubs that one works with, and choose one.",
        {
            "add": "Add a context; the first one is chosen at once.",
            "ls": "List the contexts; * is the one that commands go by here.",
            "rm": "Forget contexts; their hubs, and what chappe login keeps, stay as they are.",
            "show": "Show what commands go by, and which place says so; with NAME, as if --context NAME.",
            "use": "Choose the context that commands go by from now on; - is the one before.",
            "validate": "Check the configuration: names, values, files that it names; 1 where something is wrong.",
        },
    ),
    "token": (
        "Say who may do what on a hub; run it on the hub's machine.\n\nA hub without a tokens file lets everybody in, so it listens on this machine only. The hub sees\na change within a second.",
        {
            "ls": "List the tokens' names, rights and roles.",
            "new": "Make a token and print it, this once: only its hash is kept.",
            "rm": "Take a token away; whoever uses it is shut out within a second.",
        },
    ),
    "hook": (
        "Judge files without a hub: the hooks of pre-commit, and steps of a pipeline.",
        {
            "lint": "Tell whether schemas are schemas, and registry files say what a registry understands.",
            "schema-check": "Tell whether schemas fit what they were in git: data of the old one can still be read.",
            "validate": "Tell whether files hold valid CloudEvents, and payloads fit the schemas in a directory.",
        },
    ),
    "check": (
        "Check a hub, subscriptions, channels and sources, for monitoring.\n\nThe exit code is 0 for well, or a warning, 1 for critical, 2 and more where it cannot be told. With\n--format nagios it is the plugins': 0 well, 1 a warning, 2 critical, 3 unknown.",
        {
            "channel": "Check channels, or all: what they keep, and since when nothing came.",
            "hub": "Check the node that answers: readiness, disk, sinks, streams.",
            "source": "Check sources, or all: whether they read, and what was set aside.",
            "sub": "Check subscriptions, or all: how far behind they are, and what fails.",
        },
    ),
    "errors": (
        "Explain error codes: what they mean, where they come from, what cures them.",
        {
            "explain": "Explain a code, a linter's rule, the type of a problem, an HTTP status, or an answer on standard input.",
            "ls": "List the codes of the hub, of its registry, of its Confluent API, and the rules of linters.",
        },
    ),
}

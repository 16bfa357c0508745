"""What each command does to a hub, or to this machine: read, write or destructive.

The one source of it: `chappe help --json`, the skill that `chappe init --agents` writes, and the hints of
the tools of `chappe mcp` are made from this table. No command imports it to do its work.

- read: nothing is changed, but for what a command makes and takes away again by itself.
- write: something is added or changed; what was there can be had back, or goes on.
- destructive: something is taken away, or what others rely on is stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

Impact = Literal["read", "write", "destructive"]

IMPACT: Final[Mapping[str, Impact]] = MappingProxyType(
    {
        "dev": "write",
        "serve": "write",
        "event diff": "read",
        "event forward": "write",
        "event get": "read",
        "event listen": "write",
        "event ls": "read",
        "event replay": "write",
        "event send": "write",
        "event tail": "read",
        "event trace": "read",
        "event validate": "read",
        "event verify": "read",
        "sub create": "write",
        "sub edit": "write",
        "sub explain": "read",
        "sub get": "read",
        "sub lag": "read",
        "sub ls": "read",
        "sub pause": "destructive",
        "sub pull": "write",
        "sub replay": "write",
        "sub resume": "write",
        "sub rm": "destructive",
        "sub rotate": "destructive",
        "sub test": "write",
        "delivery discard": "destructive",
        "delivery export": "read",
        "delivery get": "read",
        "delivery ls": "read",
        "delivery retry": "write",
        "source create": "write",
        "source get": "read",
        "source ls": "read",
        "source pause": "destructive",
        "source resume": "write",
        "source rm": "destructive",
        "source webhook": "write",
        "find": "read",
        "type consumers": "read",
        "type deprecate": "write",
        "type get": "read",
        "type graph": "read",
        "type lint": "read",
        "type ls": "read",
        "type producers": "read",
        "type sample": "read",
        "producer get": "read",
        "producer import": "write",
        "producer ls": "read",
        "producer token": "write",
        "endpoint get": "read",
        "endpoint ls": "read",
        "schema add": "write",
        "schema check": "read",
        "schema diff": "read",
        "schema gen": "read",
        "schema get": "read",
        "schema history": "read",
        "schema infer": "read",
        "schema lint": "read",
        "schema ls": "read",
        "schema rm": "destructive",
        "apply": "destructive",
        "diff": "read",
        "delete": "destructive",
        "export": "read",
        "import": "write",
        "registry diff": "read",
        "registry export": "read",
        "registry get": "read",
        "registry import": "write",
        "top": "read",
        "login": "write",
        "logout": "write",
        "whoami": "read",
        "token ls": "read",
        "token new": "write",
        "token rm": "destructive",
        "hook lint": "read",
        "hook schema-check": "read",
        "hook validate": "read",
        "check channel": "read",
        "check hub": "read",
        "check source": "read",
        "check sub": "read",
        "errors explain": "read",
        "errors ls": "read",
        "help": "read",
        "mcp": "read",
        "doctor": "read",
        "version": "read",
    }
)

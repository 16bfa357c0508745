"""Runs a Python module that must not reach anything: no network, no other process.

    python -P -m chappe.cli.generate.sealed MODULE ARGUMENT…

What it reads comes from a stranger. An audit hook cannot be taken away again by Python code; it is
no wall against machine code, of which a generator runs none that a schema could bring along.
"""

from __future__ import annotations

import runpy
import sys
from typing import Final

_REFUSED: Final = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.system",
        "pty.spawn",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyaddr",
        "socket.gethostbyname",
        "socket.getnameinfo",
        "socket.sendmsg",
        "socket.sendto",
        "subprocess.Popen",
        "urllib.Request",
    }
)


def refuse(event: str, _: object) -> None:
    """The audit hook.

    Raises:
        PermissionError: the event reaches out of the process.
    """
    if event in _REFUSED:
        raise PermissionError(f"{event} is refused: what generates code reaches nothing")


def main() -> None:
    """Run the module that the first argument names with the others."""
    sys.addaudithook(refuse)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

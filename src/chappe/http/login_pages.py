"""The pages around a login, as plain as they can be: no script, and the console's style where there is one."""

from __future__ import annotations

from html import escape
from typing import Final
from urllib.parse import quote

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} - Chappe</title>
<link rel="stylesheet" href="static/chappe.css">
</head>
<body class="login">
<main>
<p class="brand">Chappe</p>
<h1>{title}</h1>
{content}
</main>
</body>
</html>
"""


def login_page(issuer: str | None, after: str, elsewhere: str | None = None) -> str:
    """With the provider, if there is one, and with a token; then on to the page `after`.

    `elsewhere` is where somebody who has just left the hub leaves the provider as well: who is still
    known there is logged in here again without being asked.
    """
    content = ""
    if elsewhere is not None:
        content += (
            '<p role="status">You are logged out of this hub. '
            f'<a href="{escape(elsewhere)}">Log out of {escape(issuer or "")} as well</a></p>\n'
        )
    if issuer is not None:
        content += (
            f'<p><a class="button" href="login?with=oidc&amp;next={escape(quote(after, safe=""))}">'
            f"Log in with {escape(issuer)}</a></p>\n"
        )
    content += (
        '<form method="post" action="login">\n'
        f'<input type="hidden" name="next" value="{escape(after)}">\n'
        '<p><label for="token">Token of this hub</label>\n'
        '<input id="token" name="token" type="password" required autocomplete="off" '
        'spellcheck="false" aria-describedby="hint"></p>\n'
        '<p id="hint" class="soft">Made on the hub\'s machine: <code>chappe token new NAME --role viewer</code></p>\n'
        '<p><button type="submit" class="primary">Log in</button></p>\n'
        "</form>"
    )
    return _PAGE.format(title="Log in", content=content)


def logout_page() -> str:
    """A button: a link alone, which any page may hold, must log nobody out."""
    content = (
        '<form method="post" action="logout">\n'
        '<p><button type="submit" class="primary">Log out</button></p>\n'
        "</form>"
    )
    return _PAGE.format(title="Log out", content=content)


def error_page(message: str) -> str:
    """What went wrong, and the way back."""
    content = f'<p role="alert">{escape(message)}</p>\n<p><a href="login">Log in again</a></p>'
    return _PAGE.format(title="That did not work", content=content)

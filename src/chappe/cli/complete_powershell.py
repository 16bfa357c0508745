r"""PowerShell's side of completion: the script it runs, and how words and answers travel.

    COMP_WORDS="chappe\ntype\nget\n'order p"   one element a line, as typed, the one at the cursor last
    COMP_CWORD=3                               its number; one more than there are where none is begun
    {"type": "plain", "text": "'order paid'", "shown": "order paid", "tip": "order paid"}   one a line

The JSON is ASCII: what a console of Windows takes for the encoding of a program's output is anybody's
guess. What has to be quoted is quoted here, since only the script's own side cannot be tested elsewhere.
"""

from __future__ import annotations

import json
import re
from typing import Final

from click.shell_completion import CompletionItem, ShellComplete

from chappe.cli.environment import variable

_SCRIPT: Final = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $words = @()
    $at = -1
    foreach ($element in $commandAst.CommandElements) {
        $start = $element.Extent.StartOffset
        if ($start -ge $cursorPosition) { break }
        $text = $element.Extent.Text
        if ($element.Extent.EndOffset -ge $cursorPosition) {
            $text = $text.Substring(0, $cursorPosition - $start)
            $at = $words.Count
        }
        $words += ($text -replace "[`r`n]", ' ')
    }
    if ($at -lt 0) { $at = $words.Count }

    $before = $env:%(complete_var)s, $env:COMP_WORDS, $env:COMP_CWORD
    try {
        $env:%(complete_var)s = 'powershell_complete'
        $env:COMP_WORDS = $words -join "`n"
        $env:COMP_CWORD = "$at"
        $answer = @(& %(prog_name)s 2>$null)
    } finally {
        $env:%(complete_var)s, $env:COMP_WORDS, $env:COMP_CWORD = $before
    }

    $offered = @(foreach ($line in $answer) {
        if (-not $line) { continue }
        $one = $line | ConvertFrom-Json
        if ($one.type -eq 'plain') {
            [System.Management.Automation.CompletionResult]::new(
                $one.text, $one.shown, 'ParameterValue', $one.tip)
        } else {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete) |
                Where-Object { $one.type -ne 'dir' -or $_.ResultType -eq 'ProviderContainer' }
        }
    })
    # For nothing at all, PowerShell would offer the files that lie here.
    if ($offered.Count -eq 0) { '' } else { $offered }
}
"""

# What stands for itself: no sign of PowerShell's, and no "-a.b", which it takes apart.
_PLAIN: Final = re.compile(r"--?[A-Za-z][A-Za-z0-9-]*|[A-Za-z_/][A-Za-z0-9_./:+=-]*", re.ASCII)
# PowerShell takes typographic quotes for plain ones.
_SINGLE: Final = "'\u2018\u2019\u201a\u201b"
_DOUBLE: Final = '"\u201c\u201d\u201e'
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


class PowerShellComplete(ShellComplete):
    """Completion for Windows PowerShell 5.1 and for pwsh 7."""

    name = "powershell"
    source_template = _SCRIPT
    _option = ""
    """"--type=" where the word at the cursor is "--type=ord": the answer replaces all of it."""

    def get_completion_args(self) -> tuple[list[str], str]:  # type: ignore[explicit-override]
        words = (variable("COMP_WORDS") or "").split("\n")
        at = int(variable("COMP_CWORD") or 0)
        begun = unquoted(words[at]) if at < len(words) else ""
        if begun.startswith("-") and "=" in begun:
            self._option = begun.partition("=")[0] + "="
        return [unquoted(one) for one in words[1:at]], begun

    def format_completion(self, item: CompletionItem) -> str:  # type: ignore[explicit-override]
        value = str(item.value)
        tip = " ".join((item.help or value).split())
        answer = {
            "type": item.type,
            "text": self._option + quoted(value),
            "shown": value,
            "tip": tip or value,
        }
        return json.dumps(answer)


def quoted(word: str) -> str:
    """The word as an argument of PowerShell's: "it's" -> "'it''s'"."""
    if _PLAIN.fullmatch(word):
        return word
    doubled = "".join(one * 2 if one in _SINGLE else one for one in word)
    return f"'{doubled}'"


def unquoted(typed: str) -> str:
    """What PowerShell makes of an element of a command; a quote that is still open ends with it.

    "'it''s'" -> "it's";  '--type="a `"b"' -> '--type=a "b'. Variables stay as they are typed.
    """
    out: list[str] = []
    within = ""  # the kind of quotes around: those of _SINGLE, of _DOUBLE, or none
    at = 0
    while at < len(typed):
        one, following = typed[at], typed[at + 1 : at + 2]
        if within and one in within:
            if following and following in within:
                out.append(following)
                at += 1
            else:
                within = ""
        elif one == "`" and within != _SINGLE:
            out.append(_ESCAPES.get(following, following))
            at += 1
        elif not within and one in _SINGLE + _DOUBLE:
            within = _SINGLE if one in _SINGLE else _DOUBLE
        else:
            out.append(one)
        at += 1
    return "".join(out)

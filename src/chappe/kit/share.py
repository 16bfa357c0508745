"""Shares of a whole, for people."""

from __future__ import annotations


def percent(value: float) -> str:
    """98.64 -> "98.6 %", 100 -> "100 %"; nothing but all of it is shown as 100, and only nothing as 0."""
    shown = f"{value:.1f}".removesuffix(".0")
    if (shown == "100" and value < 100) or (shown == "0" and value > 0):
        return "> 99.9 %" if value > 50 else "< 0.1 %"
    return f"{shown} %"

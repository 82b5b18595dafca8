"""SQL as highlighted HTML, for places that have no template of their own."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from warehouse_admin.core.sqltext import highlighted_lines, long_lines

MOST_LINES = 5_000


def highlight(sql: str, anchor: str = "L", whole: str = "") -> SafeString:
    """Escaped, numbered lines; line 12 has the id `L12`. Give each of several blocks on a page its own `anchor`.

    `whole` is the address of the whole text, offered where some of it is left out.
    """
    return render_to_string("partials/_sql_code.html", block_context(sql, anchor, MOST_LINES, whole))


def block_context(sql: str, anchor: str, limit: int, whole: str) -> dict[str, Any]:
    """What `partials/_sql_code.html` shows of a text: at most `limit` lines, or all of them with 0."""
    lines = highlighted_lines(sql)
    shown = lines[:limit] if limit else lines
    return {
        "lines": shown,
        "hidden": len(lines) - len(shown),
        "cut": long_lines(sql),
        "anchor": anchor,
        "whole": whole,
    }

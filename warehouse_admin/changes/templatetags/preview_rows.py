"""The rows of a preview as a table; a tag, because there are thousands of cells."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString

from warehouse_admin.posthog.queries import Rows

register = template.Library()
LONGEST = 200
"""Characters of a cell."""


@register.simple_tag
def preview_table(rows: Rows) -> SafeString:
    """Every value as text: cut where it is long, null said, numbers to the right."""
    heads = "".join(
        f'<th scope="col">{escape(name)}<span class="sub">{escape(kind)}</span></th>'
        for name, kind in zip(rows.columns, rows.types, strict=True)
    )
    body = "".join(f"<tr>{''.join(_cell(value) for value in row)}</tr>" for row in rows.rows)
    return SafeString(f'<table class="preview"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>')


def _cell(value: Any) -> str:
    if value is None:
        return '<td class="muted">null</td>'
    if isinstance(value, bool):
        return f"<td>{str(value).lower()}</td>"
    if isinstance(value, int | float):
        return f'<td class="num">{value}</td>'
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
    return f"<td>{escape(shown)}</td>"

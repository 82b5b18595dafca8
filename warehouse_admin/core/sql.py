"""SQL as highlighted HTML, for places that have no template of their own."""

from __future__ import annotations

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from warehouse_admin.core.sqltext import highlighted_lines


def highlight(sql: str, anchor: str = "L") -> SafeString:
    """Escaped, numbered lines; line 12 has the id `L12`. Give each of several blocks on a page its own `anchor`."""
    context = {"lines": highlighted_lines(sql), "hidden": 0, "anchor": anchor}
    return render_to_string("partials/_sql_code.html", context)

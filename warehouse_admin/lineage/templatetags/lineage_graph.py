"""A node of the picture of lineage; a tag, because there can be a hundred of them."""

from __future__ import annotations

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString

from warehouse_admin.core.states import look_of
from warehouse_admin.core.templatetags.ui import icon
from warehouse_admin.lineage.graph import HEIGHT, WIDTH, Placed

register = template.Library()


@register.simple_tag
def graph_node(node: Placed) -> SafeString:
    """A box with the name, the icon of its state, and both in words for those who point at it or listen."""
    look = look_of("schedule", node.state) if node.state else look_of("view_kind", _KINDS.get(node.kind, ""))
    kind = node.kind.replace("_", " ")
    said = f"{node.name}: {kind}{f', {look.word.lower()}' if node.state else ''}"
    mark = icon(look.icon).replace("<svg ", f'<svg x="{node.x + 10}" y="{node.y + 9}" width="16" height="16" ', 1)
    body = (
        f"<title>{escape(said)}</title>"
        f'<rect x="{node.x}" y="{node.y}" width="{WIDTH}" height="{HEIGHT}" rx="6"></rect>{mark}'
        f'<text x="{node.x + 34}" y="{node.y + 21}">{escape(node.label)}</text>'
    )
    marks = f"{' is-centre' if node.is_centre else ''}{' is-found' if node.is_found else ''}"
    css = f"graph-node tone-{look.tone}{marks} is-{node.kind.replace('_', '-')}"
    sources = " ".join(map(str, node.sources))
    number = f'id="node-{node.number}" data-node="{node.number}"'
    place = f'{number} data-sources="{sources}" data-name="{escape(node.name)}"'
    if not node.url:
        return SafeString(f'<g class="{css}" {place} role="img" aria-label="{escape(said)}">{body}</g>')
    current = ' aria-current="true"' if node.is_centre else ""
    link = f'href="{escape(node.url)}" aria-label="{escape(said)}"'
    return SafeString(f'<a class="{css}" {place} {link}{current}>{body}</a>')


_KINDS = {"view": "view", "materialized_view": "materialized", "table": "table", "builtin": "builtin"}

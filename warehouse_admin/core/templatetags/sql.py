"""Tags that show SQL and what changed in it."""

from __future__ import annotations

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from warehouse_admin.core.diff import Segments, diff, visible
from warehouse_admin.core.sql import highlight

register = template.Library()
register.filter(visible)


@register.simple_tag
def sql_block(text: str | None, anchor: str = "L") -> SafeString:
    """SQL highlighted, with numbered lines that can be linked to."""
    return highlight(text or "", anchor)


@register.inclusion_tag("partials/_diff_split.html")
def diff_side_by_side(old: str | None, new: str | None, caption: str = "") -> dict[str, object]:
    """Two texts beside each other, changed words marked."""
    return {"diff": diff(old or "", new or ""), "caption": caption}


@register.inclusion_tag("partials/_diff_unified.html")
def diff_unified(
    old: str | None, new: str | None, caption: str = "", old_start: int = 1, new_start: int = 1
) -> dict[str, object]:
    """Two texts in one column, what went above what came; numbered from where they start in a longer one."""
    return {"diff": diff(old or "", new or "", starts=(old_start, new_start)), "caption": caption}


@register.filter
def removed_words(segments: Segments) -> SafeString:
    """A line of the old text, what went from it marked."""
    return _marked(segments, "del")


@register.filter
def added_words(segments: Segments) -> SafeString:
    """A line of the new text, what came to it marked."""
    return _marked(segments, "ins")


def _marked(segments: Segments, tag: str) -> SafeString:
    """Escaped HTML. A line that changed as a whole needs no word of it picked out."""
    start = f"<{tag}>" if all(changed for _, changed in segments) else f'<{tag} class="diff-word">'
    parts = (f"{start}{escape(text)}</{tag}>" if changed else escape(text) for text, changed in segments)
    return mark_safe("".join(parts))  # noqa: S308  `tag` is one of two fixed names, and every text is escaped

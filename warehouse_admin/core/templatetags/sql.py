"""Tags that show SQL and what changed in it."""

from __future__ import annotations

from django import template
from django.template import Context
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from warehouse_admin.core.blame import lines_of
from warehouse_admin.core.diff import Segments, diff, parts, unfolded
from warehouse_admin.core.longlines import LONGEST_LINE, went_on
from warehouse_admin.core.sql import highlight
from warehouse_admin.core.unseen import visible
from warehouse_admin.core.views import expand_at

register = template.Library()
register.filter(visible)


@register.simple_tag
def sql_block(text: str | None, anchor: str = "L", whole: str = "") -> SafeString:
    """SQL highlighted, with numbered lines that can be linked to; `whole` is where all of it can be read."""
    return highlight(text or "", anchor, whole)


@register.inclusion_tag("partials/_diff_split.html", takes_context=True)
def diff_side_by_side(
    context: Context,
    old: str | None,
    new: str | None,
    caption: str = "",
    old_whole: str = "",
    new_whole: str = "",
    expand_in: str = "",
) -> dict[str, object]:
    """Two texts beside each other, changed words marked; the whole ones are where each can be read as a whole.

    `expand_in` is the id of the section around it, where folds can be opened.
    """
    opened, folds = _opened(context, expand_in)
    compared = diff(old or "", new or "", kept=((), opened))
    addresses = {"old_whole": old_whole, "new_whole": new_whole, "old_at": "", "new_at": ""}
    return {"diff": compared, "parts": parts(compared.rows), "caption": caption, **addresses, **folds}


@register.inclusion_tag("partials/_diff_unified.html", takes_context=True)
def diff_unified(
    context: Context,
    old: str | None,
    new: str | None,
    caption: str = "",
    old_start: int = 1,
    new_start: int = 1,
    old_whole: str = "",
    new_whole: str = "",
    expand_in: str = "",
) -> dict[str, object]:
    """Two texts in one column, what went above what came; numbered from where they start in a longer one."""
    opened, folds = _opened(context, expand_in)
    compared = diff(old or "", new or "", starts=(old_start, new_start), kept=((), opened))
    return {
        "diff": compared,
        "parts": parts(compared.unified),
        "caption": caption,
        "old_whole": old_whole,
        "new_whole": new_whole,
        "old_at": "",
        "new_at": "",
        **folds,
    }


def _opened(context: Context, expand_in: str) -> tuple[list[int], dict[str, str]]:
    """The lines that the address asks to see, and what a template needs to let people open more folds."""
    request = context.get("request") if expand_in else None
    if request is None:
        return [], {"expand_at": "", "expand_in": ""}
    return unfolded(request.GET.getlist("expand")), {"expand_at": expand_at(request), "expand_in": expand_in}


@register.filter
def shown_lines(text: str | None) -> str:
    """Plain text as an SQL block shows it: signs for what is unseen, and very long lines cut."""
    return "\n".join(_shown_line(line) for line in lines_of(text or ""))


def _shown_line(line: str) -> str:
    left = len(line) - LONGEST_LINE
    return visible(line[:LONGEST_LINE]) + (f" … ({went_on(left)})" if left > 0 else "")


@register.filter
def at_line(number: int | None, address: str | None) -> object:
    """The number of a line, as a link where something is offered at an address for each; `address` is our own."""
    if not address or number is None:
        return "" if number is None else number
    return mark_safe(f'<a href="{address}{number}/">{number}</a>')  # noqa: S308


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

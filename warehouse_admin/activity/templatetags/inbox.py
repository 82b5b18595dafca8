"""The rows of the inbox; tags, because a list shows fifty of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template
from django.template.context import Context
from django.utils.html import escape
from django.utils.safestring import SafeString

from warehouse_admin.activity.folding import Line, Row
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.core.templatetags.ui import ago, row_url, state_pill
from warehouse_admin.mirror.templatetags.people import named, person_name

register = template.Library()


@register.simple_tag(takes_context=True)
def entry_rows(context: Context, rows: Iterable[Row], query: str, *, selectable: bool) -> SafeString:
    """A body of the table for each row; folds are drawn by a template, of which a page has few."""
    shown = []
    for row in rows:
        if row.is_folded:
            shown.append(_fold(context, row))
        else:
            shown.append(f"<tbody>{entry_line(context, row.lines[0], query, selectable=selectable)}</tbody>")
    return SafeString("".join(shown))  # parts are escaped


def _fold(context: Any, row: Row) -> str:
    with context.push(row=row):
        drawn: str = context.template.engine.get_template("activity/_fold.html").render(context)
    return drawn


@register.simple_tag(takes_context=True)
def entry_line(context: Context, line: Line, query: str, *, selectable: bool) -> SafeString:
    """A row of the list: what happened, with a link that opens it in the pane beside. `query` is that of the list."""
    key, url = line.entry.pk, row_url("activity:detail", line.entry.pk)
    said = escape(named(context, line.sentence))
    box = (
        f'<td class="cell-check"><input type="checkbox" name="entries" value="{key}" data-bulk-item'
        f' aria-label="Select: {said}"></td>'
        if selectable
        else ""
    )
    link = f'<a class="row-link" href="{url}" data-entry="{key}" hx-get="{url}?{escape(query)}">{said}</a>'
    marks = f'{_teaser(line.entry)}<div class="cluster">{entry_marks(context, line.entry, line.trust)}</div>'
    return SafeString(f'<tr class="{line.css}">{box}<td class="cell-main">{link}{marks}</td></tr>')  # parts are escaped


@register.simple_tag(takes_context=True)
def entry_marks(context: Context, entry: ActivityEntry, trust: str = "") -> SafeString:
    """Whose it was, what became of it, whether PostHog keeps a log of it, who has it, and how long ago it was.

    And the trust in what it is about, where something is said of that.
    """
    marks: list[str] = [state_pill("source", entry.source)]
    if trust:
        marks.append(state_pill("trust", trust))
    if entry.verdict:
        marks.append(state_pill("verdict", entry.verdict))
    if entry.asked_at:
        marks.append(state_pill("verdict", "asked"))
    if entry.outcome and entry.mutation is not None:
        marks.append(state_pill("mutation", entry.mutation.state))
    if entry.known_only_here:
        marks.append(_hint("known only here"))
    if (name := getattr(entry, "assignee_name", None)) and not entry.verdict:  # as `selectors.entry_page` reads it
        marks.append(_hint(person_name(context, name)))
    return SafeString("".join((*marks, _hint(ago(entry.occurred_at)))))  # each part is escaped


_SIGNS = {"-": ("del", "- "), "+": ("ins", "+ ")}


def _teaser(entry: ActivityEntry) -> str:
    """What differs, a line each."""
    told = []
    for sign, text in entry.teaser:
        tag, mark = _SIGNS.get(sign, ("span", ""))
        told.append(f'<{tag} class="teaser">{mark}{escape(text)}</{tag}>')
    return "".join(told)


def _hint(text: str) -> str:
    return f'<span class="hint">{text}</span>'

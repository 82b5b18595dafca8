"""What stands under each line of the inbox; a tag, because a list shows it fifty times."""

from __future__ import annotations

from django import template
from django.template.context import Context
from django.utils.safestring import SafeString

from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.core.templatetags.ui import ago, state_pill
from warehouse_admin.mirror.templatetags.people import person_name

register = template.Library()


@register.simple_tag(takes_context=True)
def entry_marks(context: Context, entry: ActivityEntry) -> SafeString:
    """Whose it was, what became of it, whether PostHog keeps a log of it, who has it, and how long ago it was."""
    marks: list[str] = [state_pill("source", entry.source)]
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


def _hint(text: str) -> str:
    return f'<span class="hint">{text}</span>'

"""A schedule's row and its cells; tags, because a list shows each of them fifty times."""

from __future__ import annotations

from django import template
from django.template.context import Context
from django.template.defaultfilters import pluralize
from django.utils.html import escape
from django.utils.safestring import SafeString

from warehouse_admin.core.formatting import cadence, duration, thousands, truncate_middle
from warehouse_admin.core.templatetags.ui import ago, breakable, icon, row_url, state_pill
from warehouse_admin.mirror.models import Confidence, SavedQuery
from warehouse_admin.mirror.templatetags.people import known_person, person_name
from warehouse_admin.schedules.rows import Row

register = template.Library()
NOTHING = '<span class="muted">–</span>'
NARROW = ' class="hide-narrow"'
"""On a cell that a narrow page leaves out, since nothing is in it."""


@register.simple_tag(takes_context=True)
def schedule_row(context: Context, row: Row, *, with_error: bool) -> SafeString:
    """One row of the table, to be ticked; `with_error` where no head of a group tells the error of all its rows."""
    view, name = row.view, escape(row.view.name)
    apart = " data-bulk-apart" if view.is_managed else ""
    error = f'<div class="sub is-two" title="{escape(row.error)}">{escape(row.error)}</div>'
    has_root = row.is_broken or view.root_upstream is not None
    owner = known_person(context, row.owner) if row.owner else NOTHING
    return SafeString(  # each part is escaped
        f'<tr><td class="cell-check"><input type="checkbox" name="saved_queries" value="{view.posthog_id}"'
        f' data-bulk-item{apart} aria-label="Select {name}"></td>'
        f'<td class="cell-main"><a class="row-link mono" href="{row_url("mirror:view-detail", view.posthog_id)}">'
        f"{breakable(view.name)}</a>{error if with_error and row.error else ''}</td>"
        f'<td data-label="State">{state_cell(view)}</td>'
        f"<td{_labelled('Changed since', row.is_broken)}>{changed_cell(context, row)}</td>"
        f'<td class="cell-root"{_labelled("Root upstream", has_root, "")}>{root_cell(row)}</td>'
        f'<td data-label="Last good run">{last_good_cell(row)}</td>'
        f'<td class="cell-owner{"" if row.owner else " hide-narrow"}" data-label="Owner">{owner}</td>'
        f"<td{_labelled('Last action', row.last_act)}>{last_act_cell(context, row)}</td></tr>"
    )


def _labelled(label: str, tells: object, otherwise: str = NARROW) -> str:
    """The label that a narrow page shows beside a cell that tells something."""
    return f' data-label="{label}"' if tells else otherwise


def state_cell(view: SavedQuery) -> SafeString:
    """Its state with the evidence, how sure that is where it is not certain, and since when."""
    parts = [state_pill("schedule", view.schedule_state, view.schedule_evidence)]
    if view.schedule_confidence and view.schedule_confidence != Confidence.CERTAIN:
        why, word = escape(view.schedule_confidence_reason), Confidence(view.schedule_confidence).label.lower()
        parts.append(SafeString(f' <span class="sure" title="{why}">{word}</span>'))
    if view.schedule_since:
        parts.append(SafeString(f'<div class="sub nowrap">began {ago(view.schedule_since)}</div>'))
    return SafeString("".join(parts))  # each part is escaped, here and below


def changed_cell(context: Context, row: Row) -> SafeString:
    """Whether somebody edited a broken view since it broke, and who."""
    if not row.is_broken:
        return SafeString(NOTHING)
    if not row.changed_since:
        why = "Nobody edited it since it failed: it will most likely fail again"
        return SafeString(f'<span class="hint" title="{why}">no</span>')
    by = person_name(context, row.view.edited_by, "nobody says who")
    when = f'<span class="tone-ok said-short">{icon("pencil")} yes, {ago(row.view.edited_at)}</span>'
    return SafeString(f'{when}<div class="sub is-cut">{by}</div>')


def root_cell(row: Row) -> SafeString:
    """The view to mend first, how many broken ones wait for this one, and how many views read it."""
    view, root = row.view, row.view.root_upstream
    first = '<span class="muted">itself</span>' if row.is_broken else ""
    if root is not None:
        url, name = row_url("mirror:view-detail", root.posthog_id), breakable(truncate_middle(root.name, 34))
        first = f'<a class="mono" href="{url}" title="Fix this one first">{name}</a>'
    waiting = ""
    if view.holds_up:
        words = f"{thousands(view.holds_up)} broken wait{pluralize(view.holds_up, 's,')} for it"
        waiting = f'<strong title="Broken views downstream of which it is the root">{words}</strong> · '
    readers = f"{thousands(row.downstream)} reader{pluralize(row.downstream)}"
    return SafeString(f'{first}<div class="sub">{waiting}{readers}</div>')


def last_good_cell(row: Row) -> SafeString:
    """When it last ran well, when the next run is due or by how much it is overdue, and its cadence."""
    view, late, due = row.view, row.overdue_by, ""
    if late:
        due = f'<strong class="nowrap" title="A run was due and has not come">overdue by {duration(late)},</strong> '
    elif view.next_due_at and not row.is_broken:
        due = f'<span class="nowrap">due {ago(view.next_due_at)},</span> '
    every = escape(cadence(view.sync_frequency)) if view.sync_frequency else "no cadence"
    if not view.sync_frequency and view.last_cadence:
        every = f'<span title="The last cadence seen">was {escape(cadence(view.last_cadence))}</span>'
    good = ago(row.last_good, none="none known")
    return SafeString(
        f'<span class="nowrap">{good}</span><div class="sub">{due}<span class="nowrap">{every}</span></div>'
    )


def last_act_cell(context: Context, row: Row) -> SafeString:
    """What was last done here to its schedule, with what came of it, by whom and when."""
    act = row.last_act
    if act is None:
        return SafeString('<span class="muted">none</span>')
    what, did = f"<span>{escape(act.words)}</span>", ""
    if act.campaign:
        did = f"{escape(act.words)}, "
        url = row_url("schedules:resume-detail", act.campaign)
        what = f'<a class="nowrap" href="{url}">{state_pill("outcome", act.outcome, act.detail)}</a>'
    by = f"{person_name(context, act.by)}, " if act.by else ""
    return SafeString(f'{what}<div class="sub">{did}{by}{ago(act.at)}</div>')

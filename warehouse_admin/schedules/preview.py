"""What the confirm page shows before a campaign starts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from warehouse_admin.accounts import selectors as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mirror.models import SavedQuery, ScheduleState
from warehouse_admin.schedules.chosen import resolve
from warehouse_admin.schedules.methods import METHODS, Method, methods_for
from warehouse_admin.schedules.methods.cadence import RestoreCadence
from warehouse_admin.schedules.models import Campaign
from warehouse_admin.schedules.pauses import Pause, pause_of, stands_still
from warehouse_admin.schedules.plan import CALLS, CHUNK, requests_for
from warehouse_admin.schedules.selectors import Row, rows_of
from warehouse_admin.schedules.start import exceeded, method_named, why_not_offered
from warehouse_admin.schedules.upstream import broken_sources, sources_first

LISTED = 500
Action, Way = Campaign.Action, Campaign.Method

_RESUME = {
    Pause.NONE: "It is not paused as far as the mirror knows; PostHog is asked, and nothing is sent if that is so.",
    Pause.NO_SCHEDULE: "It has no schedule: it is not materialized.",
    Pause.CADENCE: "It has no cadence, which a resume does not give back; set the cadence again instead.",
}
_MANAGED = {
    Action.CADENCE: "PostHog manages it: no change can be proposed.",
    Action.RESUME: "PostHog manages it: nothing will be sent.",
}
UNCHANGED = "Unchanged since it failed: it will most likely fail again."
NOT_PROVEN = "This server does not tell whether a schedule stands still: its next run that stays away proves a pause."


@dataclass(frozen=True)
class Planned:
    """One view of the plan, what speaks against sending it, and whether it is ticked to begin with."""

    row: Row
    remark: str
    ticked: bool
    broken: Sequence[str] = ()
    before: Sequence[str] = ()
    """The broken views that it reads, where all of them are ticked too: sources come first."""
    needs_cadence: bool = False
    """Left out unless a cadence is given, ticked or not."""
    gets: str = ""
    """The cadence that is set again; empty in other ways, and where nothing is sent."""

    @property
    def view(self) -> SavedQuery:
        return self.row.view

    @property
    def says(self) -> bool:
        """Whether there is anything to tell of it."""
        return bool(self.remark or self.broken or self.before or (self.row.changed_since and self.row.is_broken))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is ever sent for it, ticked or not."""
        return self.view.is_managed or self.view.is_materialized is False


@dataclass(frozen=True)
class Group:
    """Views that are too many for rows of their own and of which the same is to be said: ticked together."""

    remark: str
    ticked: bool
    reads_broken: bool
    planned: Sequence[Planned]

    @property
    def ids(self) -> str:
        return ",".join(str(one.view.posthog_id) for one in self.planned)

    @property
    def is_idle(self) -> bool:
        return self.planned[0].is_idle  # its remark says so, which all of them share

    @property
    def needs_cadence(self) -> bool:
        return self.planned[0].needs_cadence


@dataclass(frozen=True)
class Choice:
    """One way to carry the action out, and why the server will not take it."""

    method: Method
    refusal: str
    chosen: bool


def preview(
    ids: Sequence[str],
    *,
    action: str,
    method: str,
    user: User,
    ticked: Collection[str] | None = None,
    cadence: str = "",
) -> dict[str, Any]:
    """Context of the confirm page: the exact views in the order of sending, with their warnings.

    `ticked` are the ids that somebody ticked on that very page; None before that. `cadence` was chosen there too.
    """
    try:
        views = sources_first(resolve(ids))
        way = method_named(action, method)
    except InvalidInput as error:
        return {"problem": error.message, "planned": [], "total": 0, "action": action}
    connection = views[0].connection
    if not method and action == Action.RESUME and all(pause_of(view) is Pause.CADENCE for view in views):
        way, method = METHODS[Way.RESTORE_CADENCE], Way.RESTORE_CADENCE  # nothing else brings these back
    choices = _choices(action, way, connection, user, asked=bool(method))
    way = next(choice.method for choice in choices if choice.chosen)
    refusal = next(choice.refusal for choice in choices if choice.chosen)
    planned = _planned(views, way, ticked)
    sent = sum(_is_sent(plan, cadence) for plan in planned)
    limit = exceeded(connection, len(views))
    return {
        "action": action,
        "planned": planned[:LISTED],
        "groups": _grouped(planned[LISTED:]),
        "scope": ",".join(str(plan.view.posthog_id) for plan in planned),
        "total": len(views),
        "ticked": sum(plan.ticked for plan in planned),
        "sent": sent,
        "left_out": len(views) - sent,
        "guard": len(views) if limit is not None else None,
        "limit": limit,
        "refusal": refusal,
        "choices": choices if len(choices) > 1 else [],
        "way": way,
        "caveat": NOT_PROVEN if action == Action.PAUSE and connection.generation != "D" else "",
        "proof_waits": way.sends and (connection.generation != "D" or action == Action.RUN),
        "asks_cadence": way.name == Way.RESTORE_CADENCE and any(_lacks_cadence(view) for view in views),
        "unchanged": _not_ticked(planned) if way.action == Action.RESUME else "",
        "connection": connection,
        "several": len({view.connection_id for view in views}) > 1,
        "budget": accounts.budget_of(connection),
        "requests": requests_for(way, sent),
        "calls": {"chunk": CHUNK, "most": CALLS},
    }


def _choices(action: str, way: Method, connection: Connection, user: User, *, asked: bool) -> list[Choice]:
    """All ways with what speaks against them; unless one was asked for, the first that works is chosen."""
    refusals = {other.name: why_not_offered(other, connection, user) for other in methods_for(action)}
    working = [other for other in methods_for(action) if not refusals[other.name]]
    chosen = way if asked or not working or not refusals[way.name] else working[0]
    return [Choice(other, refusals[other.name], other is chosen) for other in methods_for(action)]


def _planned(views: Sequence[SavedQuery], way: Method, ticked: Collection[str] | None) -> list[Planned]:
    listed = rows_of([view.pk for view in views[:LISTED]], with_acts=False)
    rows = [*listed, *map(Row, views[LISTED:])]
    broken = broken_sources(views) if way.action in (Action.RESUME, Action.RUN) else {}
    here = {view.name for view in views}
    planned = []
    mended: set[str] = set()
    for row in rows:
        remark, fits = _remark(row, way)
        above = broken.get(row.view.pk, [])
        if ticked is not None:
            fits = str(row.view.posthog_id) in ticked
        elif way.action == Action.RESUME:
            fits = fits and mended.issuperset(above)  # sources come first: those to be resumed are known by now
        if fits:
            mended.add(row.view.name)
        before = above if mended.issuperset(above) else []  # what it reads is broken, and sent before it
        sources = [f"{name} (also in this list)" if name in here else name for name in above] if not before else []
        needs_cadence = way.name == Way.RESTORE_CADENCE and _lacks_cadence(row.view)
        gets = RestoreCadence().wanted(Campaign(), row.view) if way.name == Way.RESTORE_CADENCE else ""
        gets = "" if row.view.sync_frequency else gets
        planned.append(Planned(row, remark, fits, sources, before, needs_cadence, gets))
    return planned


def _is_sent(plan: Planned, cadence: str) -> bool:
    """Whether it would be sent as things are on the page now."""
    return plan.ticked and not plan.is_idle and bool(cadence or not plan.needs_cadence)


def _grouped(planned: Sequence[Planned]) -> list[Group]:
    """Those with warnings first."""
    groups: dict[tuple[str, bool, bool], list[Planned]] = {}
    for one in planned:
        groups.setdefault((one.remark, one.ticked, bool(one.broken)), []).append(one)
    warned_first = sorted(groups.items(), key=lambda found: (not found[0][0], not found[0][2]))
    return [Group(*key, found) for key, found in warned_first]


def _not_ticked(planned: Sequence[Planned]) -> str:
    """Why which of them are left out unless somebody ticks them; empty where none would most likely fail again."""
    left = [plan for plan in planned if not plan.ticked]
    unchanged = sum(plan.remark.startswith(UNCHANGED) for plan in left)
    waiting = [plan for plan in left if plan.broken and not plan.remark]
    edited = sum(plan.row.is_broken for plan in waiting)
    idle = sum(bool(plan.remark) and not (plan.needs_cadence or plan.remark.startswith(UNCHANGED)) for plan in left)
    if not unchanged + len(waiting):
        return ""
    told = [
        (unchanged, "was", "were", "not edited since the failure and will most likely fail again"),
        (edited, "was edited but reads", "were edited but read", "a view that is still broken"),
        (len(waiting) - edited, "reads", "read", "a view that is still broken"),
        (idle, "has", "have", "nothing to resume"),
    ]
    parts = [f"{count:,} {one if count == 1 else many} {what}" for count, one, many, what in told if count]
    total = unchanged + len(waiting) + idle
    views, they = ("view", "it is") if total == 1 else ("views", "they are")
    if len(parts) == 1:
        text = f"{parts[0].replace(' ', f' {views} ', 1)}, so {they} left unticked."
    else:
        text = f"{total:,} {views} are left unticked: {'; '.join(parts)}."
    return f"{text} Tick those whose cause you fixed elsewhere."


def _remark(row: Row, way: Method) -> tuple[str, bool]:
    """What there is to say about a view, and whether it should be sent."""
    view = row.view
    if view.is_managed:
        return _MANAGED.get(Action(way.action), _MANAGED[Action.RESUME]), False
    if view.is_materialized is False:
        return _RESUME[Pause.NO_SCHEDULE], False
    if way.action == Action.RESUME:
        return _resume_remark(row, way)
    if way.action == Action.PAUSE and stands_still(view):
        return "PostHog shows no cadence: it stands still already.", False
    if way.action == Action.CADENCE and stands_still(view):
        return "It stands still: another cadence starts it again.", False
    if way.action == Action.RUN and view.schedule_state == ScheduleState.RUNNING:
        return "A run is under way already.", False
    return "", True


def _resume_remark(row: Row, way: Method) -> tuple[str, bool]:
    stands, cadence = pause_of(row.view), ""
    if way.name == Way.RESTORE_CADENCE:
        if row.view.sync_frequency:
            return "It has a cadence, so setting it again changes nothing.", False
        if _lacks_cadence(row.view):
            cadence = "Its last cadence is not known: give one, or it is left out."
    elif stands in _RESUME:
        running = row.view.schedule_state == ScheduleState.RUNNING
        return ("A run is under way already: nothing will be sent." if running else _RESUME[stands]), False
    if row.unchanged_since_failure:
        return " ".join(filter(None, [UNCHANGED, cadence])), False
    return cadence, True


def _lacks_cadence(view: SavedQuery) -> bool:
    return not view.sync_frequency and not RestoreCadence().wanted(Campaign(), view)

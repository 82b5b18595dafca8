"""What the schedule of a view is doing, how we know, and how sure we are: one rule for lists, pages and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from warehouse_admin.core.formatting import as_datetime, cadence
from warehouse_admin.mirror.cadences import CADENCES, due_after, grace_of
from warehouse_admin.mirror.causes import AUTO_PAUSED, REVERTED, suspension
from warehouse_admin.mirror.models import Confidence, Run, SavedQuery, ScheduleState
from warehouse_admin.mirror.own_acts import NONE, OwnActs, OwnStart

LONGEST = 300
KEPT_BY_POSTHOG = "PostHog manages this view and its schedule; the portal sends nothing for it."
LONG_RUN = timedelta(days=1)
"""A run under way for longer than this, and than its cadence, may be a record that nobody closed."""
UNSEEN_RUN = timedelta(hours=1)
"""So long after the last read a run that was under way then is not called running any more."""
AT_WORK = {"Running", "Queued", "Pending"}
NO_VERDICT = AT_WORK | {"Cancelled", "Skipped"}
TOLD = (
    "managed_viewset_kind",
    "origin",
    "is_materialized",
    "status",
    "latest_error",
    "sync_frequency",
    "last_cadence",
    "cadence_lost_at",
    "last_run_at",
    "suspended",
    "hidden_at",
)
"""What PostHog tells of a view that its state is worked out from."""
AS_OF = "As of "
"""How the evidence of a state begins that is the last one known."""
S = ScheduleState
AWAITS_A_RUN = {S.ON_TIME, S.LATE, S.OVERDUE, S.FAILING, S.SUSPENDED, S.PAUSED, S.NEVER_RAN}
"""Where a run that was asked for would change something."""


@dataclass(frozen=True)
class State:
    """A schedule state, the sentence that says how we know, and how sure that is and why.

    `since` None: not told by the facts themselves. `due` is when a run is, or was, due.
    """

    state: ScheduleState
    evidence: str
    confidence: Confidence
    because: str
    since: datetime | None = None
    due: datetime | None = None


def schedule_state(
    view: SavedQuery,
    *,
    now: datetime,
    newest_runs: Sequence[Run] = (),
    own: OwnActs = NONE,
    unread: str = "",
) -> State:
    """The state of a view's schedule; `newest_runs` newest first, as many as are known.

    `unread` says why PostHog could not be read since `view.synced_at`; empty while it can.
    """
    own = OwnActs(own.pause, own.standing_start(view.cadence_lost_at))
    found = _as_read(view, now, newest_runs, own, unread)
    if own.start is not None and not _was_followed(own.start, newest_runs):
        found = _with_start(view, found, own.start)
    found = _bounded(found)
    return _bounded(_as_of(view, found, now, unread)) if unread else found


def _as_read(view: SavedQuery, now: datetime, runs: Sequence[Run], own: OwnActs, unread: str) -> State:
    if view.is_managed:
        kind = view.managed_viewset_kind or "a managed set"
        return _certain(S.MANAGED, f"PostHog manages this view ({kind}) and its schedule.", "PostHog says so itself.")
    if view.is_materialized is None:
        text = "PostHog does not say whether this view is materialized."
        return State(S.UNKNOWN, text, Confidence.GUESS, "There is nothing to go by.")
    if not view.is_materialized:
        return _not_materialized(view)
    newest = runs[0] if runs else None
    if suspended := _suspended(view):
        return suspended
    if under_way := _running(view, newest, now):
        return under_way
    if not view.sync_frequency:
        return _without_cadence(view, now, runs, own, unread)
    counted_from = _counted_from(_last_run(view, newest), own.start)
    if failing := _failing(view, runs):
        return replace(failing, due=due_after(counted_from, view.sync_frequency))
    return _timeliness(view, view.sync_frequency, newest, counted_from, now, unread)


def _certain(state: ScheduleState, text: str, because: str, since: datetime | None = None) -> State:
    return State(state, text, Confidence.CERTAIN, because, since)


def _not_materialized(view: SavedQuery) -> State:
    said = "PostHog says so itself."
    if view.latest_error.startswith(REVERTED):
        return _certain(S.NOT_SCHEDULED, "PostHog turned it back into a plain view: it read an unknown table.", said)
    if view.sync_frequency:
        text = f"It has a cadence ({cadence(view.sync_frequency)}) but is not materialized, so it never runs."
        return _certain(S.NOT_SCHEDULED, text, said)
    return _certain(S.NOT_SCHEDULED, "Not materialized: it is computed each time it is read.", said)


def _suspended(view: SavedQuery) -> State | None:
    if not view.suspended:
        return None
    reason, at = suspension(view)
    since = as_datetime(at)
    text = f"PostHog reports it suspended{f' since {_clock(since)}' if since else ''}{f': {reason}' if reason else '.'}"
    return _certain(S.SUSPENDED, text, "This server reports suspensions itself.", since)


def _running(view: SavedQuery, newest: Run | None, now: datetime) -> State | None:
    if newest is not None and newest.status in AT_WORK:
        text = f"PostHog reports a run under way since {_clock(newest.started_at)}."
        usual = max(LONG_RUN, CADENCES.get(view.sync_frequency, LONG_RUN))
        if now - newest.started_at > usual:
            why = "No run of this view should take so long: the record may be left over."
            return State(S.RUNNING, text, Confidence.GUESS, why, newest.started_at)
        return _certain(S.RUNNING, text, "PostHog's record of the run is open.", newest.started_at)
    if view.status == "Running" and (newest is None or not _is_over(view, newest)):
        why = "Only the view's status says so; the record of the run is not known here yet."
        return State(S.RUNNING, "PostHog reports a run under way.", Confidence.LIKELY, why)
    return None


def _is_over(view: SavedQuery, newest: Run) -> bool:
    """Whether the newest run has ended after the view was last read, so that its status is out of date."""
    return newest.finished_at is not None and view.synced_at is not None and newest.finished_at > view.synced_at


def _without_cadence(view: SavedQuery, now: datetime, runs: Sequence[Run], own: OwnActs, unread: str) -> State:
    known = f" The last one seen was {cadence(view.last_cadence)}." if view.last_cadence else ""
    if (pause := own.pause) is not None:
        until = f" until {_clock(pause.until)}" if pause.until else ""
        text = f"Paused here by {pause.by}{until}: {pause.reason}"
        if pause.trouble:
            text = f"{pause.trouble} Paused here by {pause.by}{until}: {pause.reason}"
        return _certain(S.PAUSED, text, "The pause is on record here, and PostHog shows no cadence.", pause.at)
    newest = runs[0] if runs else None
    if why := _goes_on(view, runs, own.start):
        on = _timeliness(view, view.last_cadence, newest, _last_run(view, newest), now, unread)
        return replace(on, confidence=Confidence.LIKELY, because=why)
    error = newest.error if newest is not None and newest.error else view.latest_error
    if error.startswith(AUTO_PAUSED):
        text = "It has no cadence and its last error says that PostHog paused it."
        why = "This server does not report suspensions; these are the words PostHog writes when it pauses a schedule."
        since = (newest.finished_at or newest.started_at) if newest is not None and newest.error else None
        return State(S.SUSPENDED, text, Confidence.LIKELY, why, since)
    text = f"Materialized, but PostHog shows no cadence.{known}"
    if view.suspended is not None:
        why = "PostHog reports no suspension, so somebody set its cadence to never."
        return State(S.PAUSED, text, Confidence.LIKELY, why, view.cadence_lost_at)
    why = "This server does not tell a schedule that somebody paused from one that failed too often."
    return State(S.PAUSED, text, Confidence.GUESS, why, view.cadence_lost_at)


def _goes_on(view: SavedQuery, runs: Sequence[Run], start: OwnStart | None) -> str:
    """Why the schedule works although PostHog shows no cadence, which a resume does not bring back; empty if unproven.

    One run may have been started by hand, so it takes two, or one since a resume of our own.
    """
    lost = view.cadence_lost_at
    if lost is None or view.last_cadence not in CADENCES:
        return ""
    since = [run.started_at for run in runs if run.started_at > lost and run.status not in NO_VERDICT]
    if start is not None and start.resumes and start.at < max(since, default=lost):
        return "PostHog shows no cadence, yet it has run since it was resumed here: its schedule goes on as before."
    if len(since) >= 2:
        return "PostHog shows no cadence, yet it has run twice since it lost it: its schedule goes on as before."
    return ""


def _was_followed(start: OwnStart, runs: Sequence[Run]) -> bool:
    """Whether a run is known that began after we asked for one, or resumed the schedule."""
    return bool(runs) and runs[0].started_at > start.at


def _with_start(view: SavedQuery, found: State, start: OwnStart) -> State:
    """The same with what we did about it ourselves, of which PostHog has shown nothing yet."""
    told_by_posthog = found.state == S.SUSPENDED and found.confidence == Confidence.CERTAIN
    if told_by_posthog or found.state not in AWAITS_A_RUN:
        return found
    asked = f"{'A resume' if start.resumes else 'A run'} was asked for here by {start.by} at {_clock(start.at)}"
    text = f"{found.evidence} {asked}; no run since is known yet."
    due = found.due
    if due is None and start.resumes:
        due = due_after(start.at, view.last_cadence)
    return replace(found, evidence=text, due=due)


def _counted_from(last: datetime | None, start: OwnStart | None) -> datetime | None:
    """From when the next run is counted: a schedule that was resumed waits for its next tick from then on."""
    resumed = start.at if start is not None and start.resumes else None
    return max((moment for moment in (last, resumed) if moment), default=None)


def _failing(view: SavedQuery, runs: Sequence[Run]) -> State | None:
    ended = [run for run in runs if run.status not in NO_VERDICT]
    failed = 0
    for run in ended:
        if run.status != "Failed":
            break
        failed += 1
    if failed:
        amount = "The last run failed" if failed == 1 else f"The last {failed} runs failed"
        text = f"{amount}, most recently at {_clock(ended[0].started_at)}."
        return _certain(S.FAILING, text, "PostHog's records of these runs say so.", ended[failed - 1].started_at)
    newer_success = bool(ended) and (view.last_run_at is None or ended[0].started_at >= view.last_run_at)
    if view.status == "Failed" and not newer_success:
        why = "Only the view's status says so; the record of the run is not known here."
        return State(S.FAILING, "PostHog reports that the last run failed.", Confidence.LIKELY, why, view.last_run_at)
    return None


def _last_run(view: SavedQuery, newest: Run | None) -> datetime | None:
    return max((moment for moment in (view.last_run_at, newest and newest.started_at) if moment), default=None)


def _timeliness(
    view: SavedQuery, every: str, newest: Run | None, counted_from: datetime | None, now: datetime, unread: str
) -> State:
    last, due = _last_run(view, newest), due_after(counted_from, every)
    if last is None:
        why = "PostHog may have dropped the record of older runs."
        text = f"Scheduled {cadence(every)}, and no run is known."
        return State(S.NEVER_RAN, text, Confidence.LIKELY, why, due=due)
    if due is None:
        text = f"The cadence {every} is not known to the portal."
        return State(S.UNKNOWN, text, Confidence.GUESS, "Without it nobody can say when a run is due.")
    certain = view.suspended is not None
    how = (
        "PostHog reports no suspension, and its runs tell the rest."
        if certain
        else "Worked out from cadence and runs: this server says nothing of the schedule itself."
    )
    sure = Confidence.CERTAIN if certain else Confidence.LIKELY
    ran = f"{cadence(every).capitalize()}; last ran {_clock(last)}"
    if now <= due:
        return State(S.ON_TIME, f"{ran}, next due {_clock(due)}.", sure, how, due=due)
    ends, read_at = due + grace_of(every), view.synced_at or now
    if now <= ends:
        return State(S.LATE, f"{ran}, was due {_clock(due)}; still within the grace period.", sure, how, due, due)
    if read_at > ends:
        why = "PostHog was read after the grace period and knew of no run."
        return State(S.OVERDUE, f"{ran}, was due {_clock(due)}.", Confidence.CERTAIN, why, due, due)
    if unread:
        why = "Since then nobody could look whether it ran."
        return State(S.UNKNOWN, f"{ran}, a run was due {_clock(due)}.", Confidence.GUESS, why, ends, due)
    why = f"PostHog was last read at {_clock(read_at)}; the next sync tells whether it ran meanwhile."
    return State(S.LATE, f"{ran}, was due {_clock(due)}.", Confidence.LIKELY, why, due, due)


def _as_of(view: SavedQuery, found: State, now: datetime, unread: str) -> State:
    """The state as last known, said to be so: what PostHog did since nobody has seen."""
    read_at = view.synced_at or now
    text = f"{AS_OF}{_clock(read_at)}; PostHog could not be read since: {unread} {found.evidence}"
    lowered = Confidence.LIKELY if found.confidence == Confidence.CERTAIN else Confidence.GUESS
    because = f"Last known at {_clock(read_at)}. {found.because}"
    state = found.state
    if state == S.RUNNING and now - read_at > UNSEEN_RUN:
        state, lowered = S.UNKNOWN, Confidence.GUESS
    return replace(found, state=state, evidence=text, confidence=lowered, because=because)


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _bounded(found: State) -> State:
    return replace(found, evidence=_cut(found.evidence), because=_cut(found.because))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"

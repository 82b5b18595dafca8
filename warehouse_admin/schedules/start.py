"""Start a campaign: who may, which views, in which way, and what has to be confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import clean_reason
from warehouse_admin.audit.targets import Target
from warehouse_admin.core import context
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.posthog.cadences import SECONDS, offered
from warehouse_admin.schedules.chosen import NAMED, Chosen, named, one_connection, resolve
from warehouse_admin.schedules.errors import AlreadyInCampaign, NotOffered
from warehouse_admin.schedules.methods import METHODS, Method, methods_for
from warehouse_admin.schedules.models import Campaign, CampaignItem
from warehouse_admin.schedules.plan import Plan
from warehouse_admin.schedules.selectors import schedules_of
from warehouse_admin.schedules.upstream import sources_first

PERMISSION = "schedules.resume_schedules"
ACTION = "schedules.resume"
GUARD_FROM = 6  # fewer views than this never need a typed count, however small the warehouse
LATEST_WAKE_UP = timedelta(days=5 * 366)
VERBS = {"resume": "resumes", "pause": "pauses", "run": "runs", "cadence": "proposes another cadence for"}


def start_resume(*, user: User, saved_queries: Chosen, reason: str, **more: Any) -> Campaign:
    """Begin to resume views of one connection, in the background; `more` as of `start_campaign`."""
    return start_campaign(user=user, action=Campaign.Action.RESUME, saved_queries=saved_queries, reason=reason, **more)


def start_campaign(
    *,
    user: User,
    action: str,
    saved_queries: Chosen,
    reason: str,
    method: str = "",
    confirm_count: int | None = None,
    cadence: str = "",
    until: datetime | None = None,
    plan: Plan | None = None,
) -> Campaign:
    """Begin a campaign over views of one connection, in the background. Above the guard `confirm_count` is due.

    `method` is one of those of the action, the first when empty. `cadence` is the new one, or the one for views whose
    last is not known. Where the connection wants a second person, the campaign waits for another operator.
    """
    way = method_named(action, method)
    policies.require(user, way.permission, action=f"schedules.{action}")
    reason = clean_reason(reason)
    plan = plan or Plan()
    plan.check(way)
    views = resolve(saved_queries)
    connection = one_connection(views)
    cadence = _clean_cadence(way, connection, cadence)
    check_until(until)
    limit = exceeded(connection, len(views))
    _check_guard(way, len(views), limit, confirm_count)
    _check_offered(way, connection, user)
    fields = {
        "action": way.action,
        "method": way.name,
        "cadence": cadence,
        "until": until if way.action == Campaign.Action.PAUSE else None,
        "needs_second": limit is not None and connection.guard_second_person and way.sends,
        **plan.fields(),
    }
    return create(user, connection, views, reason, fields)


def create(
    user: User | None, connection: Connection, views: Sequence[SavedQuery], reason: str, fields: dict[str, Any]
) -> Campaign:
    """Store a campaign that was found to be in order, and queue it. `user` None is the system."""
    try:
        with transaction.atomic():
            return _create(user, connection, views, reason, fields)
    except AlreadyInCampaign:
        raise already_busy([view.pk for view in views]) from None


def method_named(action: str, name: str) -> Method:
    """The way to carry an action out; InvalidInput for one that it does not have."""
    ways = methods_for(action)
    if not name:
        return ways[0]
    if name in METHODS and METHODS[name] in ways:
        return METHODS[name]
    text = f"Use one of {', '.join(way.name for way in ways)}."
    raise InvalidInput(text, errors={"method": [text]})


def _clean_cadence(way: Method, connection: Connection, cadence: str) -> str:
    cadence = cadence.strip()
    problem = ""
    if way.name == Campaign.Method.PROPOSE:
        known = offered(connection.generation)
        if cadence not in known:
            problem = f"This server accepts {', '.join(known)}."
    elif way.name != Campaign.Method.RESTORE_CADENCE:
        return ""
    elif cadence and cadence not in SECONDS:
        problem = f"Use one of {', '.join(SECONDS)}, or leave it out."
    if problem:
        field = "sync_frequency" if way.name == Campaign.Method.PROPOSE else "cadence"
        raise InvalidInput(problem, errors={field: [problem]})
    return cadence


def check_until(until: datetime | None) -> None:
    """InvalidInput for a wake-up date that has passed or that nobody can mean."""
    if until is None:
        return
    text = ""
    if until <= (now := timezone.now()):
        text = "The wake-up date has passed; choose one in the future, or none."
    elif until > now + LATEST_WAKE_UP:
        text = "The wake-up date is more than 5 years away; choose an earlier one, or none."
    if text:
        raise InvalidInput(text, errors={"until": [text]})


def target_of(campaign: Campaign) -> Target:
    """A campaign as the audit trail names it."""
    kind = "resume" if campaign.action == Campaign.Action.RESUME else "campaign"
    return Target(kind, str(campaign.pk), f"{campaign.action} of {campaign.created_at:%Y-%m-%d %H:%M}")


@dataclass(frozen=True)
class Limit:
    """How many schedules an act may concern before somebody has to confirm it; `setting` is the connection's field."""

    most: int
    words: str
    setting: str

    @property
    def sentence(self) -> str:
        return f"{self.words}, as the connection's settings have it under “{self.setting}”"


def exceeded(connection: Connection, count: int) -> Limit | None:
    """The limit that an act on so many schedules exceeds; None when it exceeds none."""
    if count < GUARD_FROM:
        return None
    if count > connection.guard_count:
        most = connection.guard_count
        return Limit(most, f"{most:,} schedules at once", "Schedules at once")
    known = schedules_of(connection).count()
    if count * 100 <= connection.guard_percent * known:
        return None
    most = max(connection.guard_percent * known // 100, GUARD_FROM - 1)
    words = f"{connection.guard_percent} % of the {known:,} schedules of {connection.name}"
    return Limit(most, words, "Percent of schedules at once")


def guard_count(connection: Connection, count: int) -> int | None:
    """The number a person must type to act on so many schedules at once; None when none is due."""
    return count if exceeded(connection, count) is not None else None


def _check_guard(way: Method, count: int, limit: Limit | None, confirmed: int | None) -> None:
    if limit is None or confirmed == count:
        return
    what = f"This {VERBS[way.action]} {count} schedules at once, more than {limit.sentence}."
    message = f"{what} Give the number {count} to confirm that."
    raise InvalidInput(message, errors={"confirm_count": [message]})


def why_not_offered(way: Method, connection: Connection, user: User | None) -> str:
    """Why no campaign of this way can be carried out there, in a sentence; empty when one can."""
    if not way.sends:
        return ""
    if why := accounts.why_no_writes(connection, author=user):
        return why
    capability = accounts.capability(connection, way.capability)
    return capability.reason if capability.state == "no" else ""


def alternatives(way: Method, connection: Connection, user: User | None) -> list[Method]:
    """Other ways to the same end that the server does offer."""
    others = (other for other in methods_for(way.action) if other is not way)
    return [other for other in others if not why_not_offered(other, connection, user)]


def _check_offered(way: Method, connection: Connection, user: User) -> None:
    if why := why_not_offered(way, connection, user):
        others = alternatives(way, connection, user)
        offers = "".join(f' What works here: {other.label} (method "{other.name}").' for other in others)
        raise NotOffered(f"Nothing was started. {why}{offers}")


def _create(
    user: User | None, connection: Connection, views: Sequence[SavedQuery], reason: str, fields: dict[str, Any]
) -> Campaign:
    request_id = context.current().request_id
    campaign = Campaign.objects.create(
        connection=connection, reason=reason, started_by=user, request_id=request_id, **fields
    )
    ordered = sources_first(views)
    items = [
        CampaignItem(campaign=campaign, saved_query=view, position=position, before=snapshot(view))
        for position, view in enumerate(ordered, start=1)
    ]
    try:
        CampaignItem.objects.bulk_create(items)
    except IntegrityError as error:  # one open item for each view: the database decides between two operators
        raise AlreadyInCampaign("") from error
    queue(campaign)
    audit.record(
        actor=user,
        action=f"schedules.{campaign.action}",
        target=target_of(campaign),
        result="asked",
        reason=reason,
        after={"views": len(ordered), "names": [view.name for view in ordered[:100]], **_told(campaign)},
        connection=connection.slug,
    )
    return campaign


def _told(campaign: Campaign) -> dict[str, Any]:
    """The way and the plan, for the trail."""
    until = campaign.until.isoformat() if campaign.until else None
    told = {"method": campaign.method, "cadence": campaign.cadence or None, "until": until}
    names = ("canary_size", "wave_size", "per_minute", "stop_percent", "needs_second")
    return {**told, **{name: getattr(campaign, name) for name in names}}


def queue(campaign: Campaign) -> None:
    """Have a worker take it up once the transaction is through."""
    from warehouse_admin.schedules import tasks

    tasks.run_campaign.delay_on_commit(str(campaign.pk))  # type: ignore[attr-defined]


def snapshot(view: SavedQuery) -> dict[str, object]:
    """What is remembered of a view's schedule before it is acted on."""
    return {
        "schedule_state": view.schedule_state,
        "sync_frequency": view.sync_frequency,
        "suspended": view.suspended,
        "last_run_at": view.last_run_at.isoformat() if view.last_run_at else None,
    }


def already_busy(views: Sequence[int], todo: str = "Wait for it, or leave them out.") -> AlreadyInCampaign:
    """What to raise where another campaign has some of these views, by primary key."""
    busy = CampaignItem.objects.filter(is_open=True, saved_query__in=views[:5_000])
    rows = sorted(set(busy.values_list("saved_query__name", "campaign__action", "campaign")))
    names = named(sorted({name for name, *_ in rows})) or "some of these views"
    doing = {"resume": "resuming", "pause": "pausing", "run": "running"}
    acts = {doing.get(action, "working on") for _, action, _ in rows}
    doing_now = acts.pop() if len(acts) == 1 else "working on"
    campaigns = list(dict.fromkeys(key for *_, key in rows))
    who = "Another campaign is" if len(campaigns) < 2 else "Other campaigns are"
    text = f"{who} already {doing_now} {names}. {todo}"
    return AlreadyInCampaign(text, campaigns=campaigns[:NAMED])

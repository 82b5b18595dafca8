"""Start and stop a campaign: who may, which views, and what has to be confirmed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from warehouse_admin.accounts import policies
from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.targets import Target
from warehouse_admin.core import context
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.schedules.errors import AlreadyInCampaign, NothingToDo, NotOffered
from warehouse_admin.schedules.models import BulkResume, BulkResumeItem
from warehouse_admin.schedules.selectors import schedules_of

PERMISSION = "schedules.resume_schedules"
ACTION = "schedules.resume"
REASON_LIMIT = 2_000
NAMED = 10  # so many offenders are named in a message
GUARD_COUNT = 200
GUARD_SHARE = 0.5
GUARD_FROM = 6  # fewer views than this never need a typed count, however small the warehouse

Chosen = Iterable[SavedQuery | UUID | str]


def start_resume(*, user: User, saved_queries: Chosen, reason: str, confirm_count: int | None = None) -> BulkResume:
    """Begin a campaign over views of one connection, in the background. Above the guard `confirm_count` is due."""
    policies.require(user, PERMISSION, action=ACTION)
    reason = clean_reason(reason)
    views = resolve(saved_queries)
    connection = _one_connection(views)
    _check_guard(connection, len(views), confirm_count)
    _check_offered(connection, user)
    try:
        with transaction.atomic():
            return _create(user, connection, views, reason)
    except AlreadyInCampaign:
        raise AlreadyInCampaign(_busy_sentence(views)) from None


def request_stop(*, resume: BulkResume, user: User) -> BulkResume:
    """Ask a campaign to stop before its next chunk; one that no worker has yet stops at once."""
    target = target_of(resume)
    policies.require(user, PERMISSION, action="schedules.stop", target=target)
    with transaction.atomic():
        found = BulkResume.objects.select_for_update().get(pk=resume.pk)
        if not found.is_open:
            raise NothingToDo("This campaign has ended already.")
        found.stop_requested = True
        if found.state == BulkResume.State.QUEUED:
            found.state = BulkResume.State.STOPPED
            found.finished_at = timezone.now()
            found.items.update(is_open=False)
        found.save(update_fields=["stop_requested", "state", "finished_at"])
        audit.record(actor=user, action="schedules.stop", target=target, connection=found.connection.slug)
    return found


def target_of(resume: BulkResume) -> Target:
    """A campaign as the audit trail names it."""
    return Target("resume", str(resume.pk), f"resume of {resume.created_at:%Y-%m-%d %H:%M}")


def clean_reason(reason: str) -> str:
    """The reason without outer space; InvalidInput when it is missing, too long or holds NUL bytes."""
    reason = reason.strip()
    problem = ""
    if not reason:
        problem = "Say why; the reason is kept in the audit trail."
    elif len(reason) > REASON_LIMIT:
        problem = f"At most {REASON_LIMIT:,} characters."
    elif "\x00" in reason:
        problem = "The reason contains a NUL character; remove it."
    if problem:
        raise InvalidInput(problem, errors={"reason": [problem]})
    return reason


def resolve(chosen: Chosen) -> list[SavedQuery]:
    """The chosen views, each once; InvalidInput names every id that is malformed, unknown or gone."""
    ids: dict[UUID, None] = {}
    bad: list[str] = []
    for one in chosen:
        try:
            key = one.posthog_id if isinstance(one, SavedQuery) else one
            ids[UUID(str(key).strip())] = None
        except ValueError:
            bad.append(str(one)[:60])
    views = _newest_by_id(list(ids))
    bad += [str(key) for key in ids if key not in views]
    gone = [view.name for view in views.values() if view.deleted_at]
    if bad:
        raise _unusable(f"No such view: {_list(bad)}. Choose from the list again.")
    if gone:
        raise _unusable(f"Deleted in PostHog: {_list(gone)}. Take them out.")
    if not views:
        raise _unusable("Choose at least one view.")
    return list(views.values())


def _newest_by_id(ids: Sequence[UUID]) -> dict[UUID, SavedQuery]:
    """Rows by their remote id; where two connections have one, the row that is not a tombstone, then the newest."""
    found: dict[UUID, SavedQuery] = {}
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        rows = SavedQuery.objects.filter(posthog_id__in=some).select_related("connection").defer("query", "columns")
        for row in rows.order_by("pk"):
            known = found.get(row.posthog_id)
            if known is None or known.deleted_at or not row.deleted_at:
                found[row.posthog_id] = row
    return {key: found[key] for key in ids if key in found}


def _unusable(message: str) -> InvalidInput:
    return InvalidInput(message, errors={"saved_queries": [message]})


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _one_connection(views: Sequence[SavedQuery]) -> Connection:
    connections = {view.connection_id: view.connection for view in views}
    if len(connections) > 1:
        slugs = _list(sorted(connection.slug for connection in connections.values()))
        raise _unusable(f"These views belong to several connections ({slugs}); resume each connection by itself.")
    return next(iter(connections.values()))


def guard_count(connection: Connection, count: int) -> int | None:
    """The number a person must type to resume so many schedules at once; None when none is due."""
    if count < GUARD_FROM:
        return None
    if count > GUARD_COUNT:
        return count
    return count if count > GUARD_SHARE * schedules_of(connection).count() else None


def _check_guard(connection: Connection, count: int, confirmed: int | None) -> None:
    due = guard_count(connection, count)
    if due is None or confirmed == due:
        return
    message = f"This resumes {count} schedules at once. Confirm by giving the number {count} as confirm_count."
    raise InvalidInput(message, errors={"confirm_count": [message]})


def _check_offered(connection: Connection, user: User) -> None:
    if why := accounts.why_no_writes(connection, author=user):
        raise NotOffered(f"Nothing was started. {why}")
    capability = accounts.capability(connection, "resume_schedules")
    if capability.state == "no":
        raise NotOffered(f"Nothing was started. {capability.reason}")


def _create(user: User, connection: Connection, views: list[SavedQuery], reason: str) -> BulkResume:
    resume = BulkResume.objects.create(
        connection=connection, reason=reason, started_by=user, request_id=context.current().request_id
    )
    ordered = sources_first(views)
    items = [
        BulkResumeItem(resume=resume, saved_query=view, position=position, before=snapshot(view))
        for position, view in enumerate(ordered, start=1)
    ]
    try:
        BulkResumeItem.objects.bulk_create(items)
    except IntegrityError as error:  # one open item for each view: the database decides between two operators
        raise AlreadyInCampaign("") from error
    _queue(resume)
    named = [view.name for view in ordered[:100]]
    audit.record(
        actor=user,
        action=ACTION,
        target=target_of(resume),
        result="asked",
        reason=reason,
        after={"views": len(ordered), "names": named},
        connection=connection.slug,
    )
    return resume


def _queue(resume: BulkResume) -> None:
    from warehouse_admin.schedules import tasks

    tasks.run_resume.delay_on_commit(str(resume.pk))  # type: ignore[attr-defined]


def snapshot(view: SavedQuery) -> dict[str, object]:
    """What is remembered of a view's schedule before it is resumed."""
    return {
        "schedule_state": view.schedule_state,
        "sync_frequency": view.sync_frequency,
        "suspended": view.suspended,
        "last_run_at": view.last_run_at.isoformat() if view.last_run_at else None,
    }


def sources_first(views: Sequence[SavedQuery]) -> list[SavedQuery]:
    """The views in an order in which none stands before one it selects from; cycles stay in order of name."""
    by_pk = {view.pk: view for view in sorted(views, key=lambda view: view.name)}
    waits_for: dict[int, set[int]] = {pk: set() for pk in by_pk}
    edges = Edge.objects.filter(connection=views[0].connection, upstream_view__isnull=False)
    if len(by_pk) <= 500:
        edges = edges.filter(downstream__in=by_pk)
    for upstream, downstream in edges.values_list("upstream_view_id", "downstream_id"):
        if upstream in by_pk and downstream in by_pk and upstream != downstream:
            waits_for[downstream].add(upstream)
    ordered: list[SavedQuery] = []
    while waits_for:
        ready = [pk for pk, upstream in waits_for.items() if not upstream & waits_for.keys()] or [next(iter(waits_for))]
        for pk in ready:
            ordered.append(by_pk[pk])
            del waits_for[pk]
    return ordered


def _busy_sentence(views: Sequence[SavedQuery]) -> str:
    busy = BulkResumeItem.objects.filter(is_open=True, saved_query__in=views[:5_000]).select_related("saved_query")
    named = _list(sorted(item.saved_query.name for item in busy)) or "some of these views"
    return f"Another campaign is already resuming {named}. Wait for it, or leave them out."

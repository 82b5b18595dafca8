"""Turn log entries, observations, mutations and runs into activity entries, each thing that happened exactly once."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity import facts, outcomes, run_changes, texts, unlogged
from warehouse_admin.activity.matching import Known
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.models import Observation, RemoteActivity, SavedQuery, SyncRun
from warehouse_admin.mirror.selectors import history_ends
from warehouse_admin.mutations.models import Mutation

BATCH = 300
Source = ActivityEntry.Source
Kind = Observation.Kind


def ingest(connection: Connection, sync: SyncRun | None = None) -> int:
    """Take in everything new of a connection; how many facts that was. Safe to call at any time, by anybody, again."""
    took = 0
    while True:
        with transaction.atomic():
            # One at a time for each connection: what belongs together must not be taken apart by two of us.
            Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
            step = (
                _take_mutations(connection)
                or _take_log(connection)
                or _take_observations(connection)
                or run_changes.take_in(connection)
            )
        if not step:
            break
        took += step
    outcomes.settle(connection)
    unlogged.mark(connection)
    texts.take_in(connection)
    return took


def _untold(rows: QuerySet[Any], link: str) -> QuerySet[Any]:
    """Rows that no activity entry tells of yet; not a join, so that the oldest are found by their index."""
    return rows.exclude(Exists(ActivityEntry.objects.filter(**{link: OuterRef("pk")})))


def _take_mutations(connection: Connection) -> int:
    """What was tried here, however it ended."""
    done = Mutation.objects.filter(outcomes.TOLD, connection=connection, kind__in=facts.IN_WAREHOUSE)
    batch = list(_untold(done, "mutation").select_related("actor").order_by("asked_at")[:BATCH])
    views = views_of(connection, [mutation.object_id for mutation in batch])
    ActivityEntry.objects.bulk_create(entry_of(mutation, views) for mutation in batch)
    return len(batch)


def views_of(connection: Connection, ids: list[str]) -> dict[str, SavedQuery]:
    """The mirrored views of these remote ids; ids that are no uuid belong to something else."""
    wanted = {key for key in ids if len(key) == 36}
    found = SavedQuery.objects.filter(connection=connection, posthog_id__in=wanted).defer("query", "columns")
    return {str(view.posthog_id): view for view in found}


def entry_of(mutation: Mutation, views: dict[str, SavedQuery]) -> ActivityEntry:
    """An unsaved entry for something done here, by the person who asked for it."""
    before, after = facts.shown_of(mutation)
    return ActivityEntry(
        connection_id=mutation.connection_id,
        saved_query=views.get(mutation.object_id),
        source=Source.PORTAL,
        kind=facts.kind_of(mutation),
        object_name=mutation.object_name,
        author=mutation.author_name or (mutation.actor.username if mutation.actor else ""),
        before=before,
        after=after,
        occurred_at=mutation.sent_at or mutation.asked_at,
        mutation=mutation,
        outcome=outcomes.outcome_of(mutation),
    )


def _take_log(connection: Connection) -> int:
    rows = RemoteActivity.objects.filter(connection=connection)
    batch = list(_untold(rows, "remote_activity").order_by("created_at", "pk")[:BATCH])
    if not batch:
        return 0
    views = views_of(connection, [str(row.posthog_id) for row in batch])
    known = Known.for_views(connection, views)
    begin = history_ends(connection)
    fresh = []
    for row in batch:
        told = facts.logged(row)
        mutation = known.mutation_of(told)
        if mutation is not None:
            _attach_log(_entry_of(mutation, views, known), told)
        elif (seen := known.seen_before(told)) is not None:
            _attach_log(seen, told, is_history=begin is None or row.created_at < begin)
        else:
            fresh.append(_from_log(told, views.get(str(row.posthog_id)), begin))
    ActivityEntry.objects.bulk_create(fresh)
    return len(batch)


def _entry_of(mutation: Mutation, views: dict[str, SavedQuery], known: Known) -> ActivityEntry:
    """The one entry of something done here; it gets its view now if the mirror did not have that before."""
    entry = known.entry_of(mutation) or _portal_entry(mutation, views, known)
    if entry.saved_query is None and (view := views.get(mutation.object_id)) is not None:
        entry.saved_query = view
        entry.save(update_fields=["saved_query"])
        known.remember(entry)
    return entry


def _portal_entry(mutation: Mutation, views: dict[str, SavedQuery], known: Known) -> ActivityEntry:
    entry = entry_of(mutation, views)
    entry.save(force_insert=True)
    known.remember(entry)
    return entry


def _attach_log(entry: ActivityEntry, told: facts.Logged, *, is_history: bool = False) -> None:
    """The log tells of something we know already. It names the author, unless it was done here: then we know better."""
    entry.remote_activity, entry.known_only_here = told.row, False
    if entry.source != Source.PORTAL:
        entry.source, entry.author = source_of(told), told.author
        entry.occurred_at = told.row.created_at
        if not entry.verdict:
            entry.needs_review = needs_review(entry.source, entry.kind, is_history=is_history)
    told_of = ["remote_activity", "known_only_here", "saved_query", "source", "author", "occurred_at", "needs_review"]
    entry.save(update_fields=told_of)


def source_of(told: facts.Logged) -> str:
    if told.row.is_system:
        return Source.SYSTEM
    return Source.OUTSIDE if told.author else Source.UNKNOWN


def needs_review(source: str, kind: str, *, is_history: bool) -> bool:
    """Whether a person has to look at it: not at what was done here, nor at what was there before we came."""
    if is_history:
        return False
    if kind == Kind.SUSPENDED:
        return True
    return source in (Source.OUTSIDE, Source.UNKNOWN) and kind not in facts.UNREMARKABLE


def _from_log(told: facts.Logged, view: SavedQuery | None, begin: datetime | None) -> ActivityEntry:
    source = source_of(told)
    is_history = begin is None or told.row.created_at < begin
    return ActivityEntry(
        connection_id=told.row.connection_id,
        saved_query=view,
        source=source,
        kind=told.kind,
        object_name=told.object_name or (view.name if view else ""),
        author=told.author,
        before=told.before,
        after=told.after,
        occurred_at=told.row.created_at,
        remote_activity=told.row,
        needs_review=needs_review(source, told.kind, is_history=is_history),
    )


def _take_observations(connection: Connection) -> int:
    rows = Observation.objects.filter(connection=connection)
    batch = list(_untold(rows, "observation").select_related("saved_query").order_by("seen_at", "pk")[:BATCH])
    if not batch:
        return 0
    views = {str(seen.saved_query.posthog_id): seen.saved_query for seen in batch}
    known = Known.for_views(connection, views)
    fresh = []
    for seen in batch:
        entry = known.log_of(seen)
        if entry is None and (mutation := known.cause_of(seen)) is not None:
            entry = _entry_of(mutation, views, known)
        if entry is not None:
            _attach_observation(entry, seen)
        else:
            fresh.append(_from_observation(seen, known))
    ActivityEntry.objects.bulk_create(fresh)
    return len(batch)


def _attach_observation(entry: ActivityEntry, seen: Observation) -> None:
    entry.observation, entry.saved_query = seen, entry.saved_query or seen.saved_query
    if entry.kind == seen.kind and not _is_told_whole(entry):
        entry.before, entry.after = _shown(seen)
    entry.save(update_fields=["observation", "saved_query", "before", "after", "teaser"])


def _is_told_whole(entry: ActivityEntry) -> bool:
    """Of several edits between two syncs each log entry tells its own, and the sync the sum of all of them."""
    if entry.kind != Kind.EDITED:
        return bool(entry.after)
    return all(isinstance((side or {}).get("query"), str) for side in (entry.before, entry.after))


def _shown(seen: Observation) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Before and after as people see them; of an edit only the SQL."""
    if seen.kind == Kind.EDITED:
        return {"query": (seen.before or {}).get("query")}, {"query": (seen.after or {}).get("query")}
    return seen.before or None, seen.after or None


def _from_observation(seen: Observation, known: Known) -> ActivityEntry:
    """Something that only a sync saw: nobody is named who is not named by PostHog."""
    view = seen.saved_query
    source: str = Source.UNKNOWN
    author, at = "", seen.seen_at
    if seen.kind == Kind.SUSPENDED:
        source = Source.SYSTEM
    elif (told := known.partly_told(seen)) is not None:
        source, author, at = source_of(told), told.author, told.row.created_at
    elif seen.kind == Kind.CREATED and not seen.before:
        source, author = _creator(view)
        at = view.remote_created_at or seen.seen_at
    before, after = _shown(seen)
    return ActivityEntry(
        connection_id=seen.connection_id,
        saved_query=view,
        source=source,
        kind=seen.kind,
        object_name=view.name,
        author=author,
        before=before,
        after=after,
        occurred_at=at,
        observation=seen,
        needs_review=needs_review(source, seen.kind, is_history=seen.is_history),
    )


def _creator(view: SavedQuery) -> tuple[str, str]:
    """Who made a view that no log entry tells of: PostHog names its creator, or makes and manages it itself."""
    if view.created_by_email:
        return Source.OUTSIDE, view.created_by_email
    return (Source.SYSTEM, "") if view.is_managed else (Source.UNKNOWN, "")

"""Find what belongs together among the log entries, observations and mutations of some views."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import Q, QuerySet

from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity import facts
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.models import Observation, RemoteActivity, SavedQuery
from warehouse_admin.mutations.models import Mutation

LEFT = (Mutation.State.HAPPENED, Mutation.State.UNCONFIRMED, Mutation.State.SENDING)
"""States of a mutation whose request left, so that it may be the cause of what is seen."""


class Known:
    """The entries and mutations of some views, held in memory while a batch is matched against them."""

    def __init__(self, mutations: Iterable[Mutation], entries: Iterable[ActivityEntry]) -> None:
        self._mutations: dict[str, list[Mutation]] = defaultdict(list)
        for mutation in mutations:
            self._mutations[mutation.object_id].append(mutation)
        self._entries: dict[str, list[ActivityEntry]] = defaultdict(list)
        self._by_mutation: dict[object, ActivityEntry] = {}
        self._logged: dict[int, facts.Logged] = {}
        for entry in entries:
            self.remember(entry)

    @classmethod
    def for_views(cls, connection: Connection, views: dict[str, SavedQuery]) -> Known:
        """Three queries, whatever the number of views."""
        left = Mutation.objects.filter(connection=connection, state__in=LEFT, sent_at__isnull=False)
        left = left.select_related("actor")
        ours = [*left.filter(object_id__in=list(views)), *_of_unknown_id(left, views)]
        # A new view that the mirror did not have yet when its mutation was taken in left an entry without a view.
        of_ours = Q(saved_query=None, mutation__in=[mutation.pk for mutation in ours])
        entries = ActivityEntry.objects.filter(of_ours | Q(saved_query__in=[view.pk for view in views.values()]))
        related = entries.select_related("remote_activity", "observation", "saved_query")
        return cls(ours, related.order_by("occurred_at"))

    def remember(self, entry: ActivityEntry) -> None:
        if entry.saved_query is not None:
            self._entries[str(entry.saved_query.posthog_id)].append(entry)
        if entry.mutation_id is not None:
            self._by_mutation[entry.mutation_id] = entry

    def entry_of(self, mutation: Mutation) -> ActivityEntry | None:
        return self._by_mutation.get(mutation.pk)

    def mutation_of(self, told: facts.Logged) -> Mutation | None:
        """The mutation that a log entry tells of and that no other entry has been taken for; the nearest in time."""
        ours = [
            mutation
            for mutation in self._mutations[str(told.row.posthog_id)]
            if facts.is_ours(mutation, told) and not self._has(mutation, "remote_activity_id")
        ]
        at = told.row.created_at
        return min(ours, key=lambda mutation: abs((mutation.sent_at or at) - at), default=None)

    def cause_of(self, seen: Observation) -> Mutation | None:
        """The mutation that a sync saw the effect of."""
        ours = [
            mutation
            for mutation in self._mutations[str(seen.saved_query.posthog_id)]
            if facts.caused(mutation, seen) and not self._has(mutation, "observation_id")
        ]
        return max(ours, key=lambda mutation: mutation.sent_at or mutation.asked_at, default=None)

    def _has(self, mutation: Mutation, link: str) -> bool:
        entry = self._by_mutation.get(mutation.pk)
        return entry is not None and getattr(entry, link) is not None

    def seen_before(self, told: facts.Logged) -> ActivityEntry | None:
        """An entry made from an observation alone, which this late log entry explains."""
        for entry in self._entries[str(told.row.posthog_id)]:
            if entry.observation is None or entry.remote_activity_id is not None or entry.mutation_id is not None:
                continue
            if entry.kind == told.kind and facts.explains(told, entry.observation):
                return entry
        return None

    def log_of(self, seen: Observation) -> ActivityEntry | None:
        """The newest entry made from the log that tells of an observation and has none yet."""
        for entry, told in reversed(self._told(seen)):
            if entry.observation_id is None and entry.kind == seen.kind and facts.explains(told, seen):
                return entry
        return None

    def partly_told(self, seen: Observation) -> facts.Logged | None:
        """A log entry about something larger that includes this observation: a materialization sets the cadence too."""
        if seen.kind == Observation.Kind.EDITED:
            return None
        return next((told for _, told in reversed(self._told(seen)) if facts.explains(told, seen)), None)

    def _told(self, seen: Observation) -> list[tuple[ActivityEntry, facts.Logged]]:
        entries = self._entries[str(seen.saved_query.posthog_id)]
        return [(entry, self._read(row)) for entry in entries if (row := entry.remote_activity) is not None]

    def _read(self, row: RemoteActivity) -> facts.Logged:
        if row.pk not in self._logged:
            self._logged[row.pk] = facts.logged(row)
        return self._logged[row.pk]


def _of_unknown_id(left: QuerySet[Mutation], views: dict[str, SavedQuery]) -> Iterable[Mutation]:
    """New views that nobody has answered for yet: by their name, and given the id of the view they have become."""
    ids = {view.name: key for key, view in views.items() if view.deleted_at is None}
    for mutation in left.filter(kind=Mutation.Kind.CREATE_VIEW, object_id="", object_name__in=list(ids)):
        mutation.object_id = ids[mutation.object_name]
        yield mutation

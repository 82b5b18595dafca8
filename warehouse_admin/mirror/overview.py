"""How each connection is doing, for the sync page: syncs, budget, what is missing, what the re-read costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count
from django.utils import timezone

from warehouse_admin.accounts import budget
from warehouse_admin.accounts.consumers import ORDER
from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.bars import StackedBars, stacked_bars
from warehouse_admin.mirror import due, selectors
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.mirror.sync import rereads
from warehouse_admin.posthog import capabilities
from warehouse_admin.posthog.capabilities import Capability

_COSTS = {
    "list": "Nothing can be mirrored.",
    "detail": "The SQL of views is not known.",
    "activity_log": "Edits that the list does not show are only found by the rolling re-read. Who made a change is "
    "read from the own activity of each changed view, one request for each.",
    "activity": "Nothing while the project's log can be read: a view's own activity only stands in for that one.",
    "jobs": "Runs come from each view's run history instead: the last five, one request for each view that ran.",
    "tables": "Warehouse tables are not mirrored; lineage knows them only by name.",
    "write": "Approved changes cannot be applied.",
    "validate": "Mistakes in a proposed query that only PostHog finds show when the change is applied.",
    "resume_schedules": "Suspended schedules cannot be resumed from here.",
    "run": "Runs cannot be started from here.",
}
_WITHOUT_BOTH = {
    ("jobs", "run_history"): {"jobs": "New runs are not seen; a view shows only when it last ran."},
    ("activity_log", "activity"): {
        "activity_log": "Edits that the list does not show are only found by the rolling re-read, and of several edits "
        "between two syncs only the last one.",
        "activity": "Who made a change outside the portal is unknown.",
    },
}
"""Prices that differ where what stands in for a signal is refused as well."""


AT_ANY_MOMENT = timedelta(seconds=30)
"""How often the beat looks at what is due."""


@dataclass(frozen=True)
class Missing:
    """Something that the key or the server refuses: why, and what that costs; both sentences."""

    action: str
    reason: str
    cost: str


@dataclass(frozen=True)
class Standing:
    """One connection as the sync page shows it. `left_*` None: no limit, or not known."""

    connection: Connection
    newest: SyncRun | None
    good: SyncRun | None
    next_at: datetime | None
    views: int
    left_minute: int | None
    left_hour: int | None
    chart: StackedBars | None
    missing: list[Missing]
    reread: rereads.Plan | None

    @property
    def is_due(self) -> bool:
        """Whether the next sync starts at any moment."""
        return self.next_at is not None and self.next_at <= timezone.now() + AT_ANY_MOMENT


def standings(connections: list[Connection]) -> list[Standing]:
    """How these connections are doing; three queries for all."""
    syncs = selectors.last_syncs(due.REMEMBERED)
    present = SavedQuery.objects.present().order_by().values_list("connection")
    views = dict(present.annotate(Count("pk")))
    found = []
    for connection in connections:
        minute, hour = budget.left(connection)
        last = syncs[connection.pk]
        known = capabilities.from_dict(connection.capabilities or {})
        found.append(
            Standing(
                connection=connection,
                newest=last.newest,
                good=last.good,
                next_at=due.next_at(connection, last.recent),
                views=views.get(connection.pk, 0),
                left_minute=minute,
                left_hour=hour,
                chart=spending_chart(connection),
                missing=missing(known),
                reread=_reread(connection, views.get(connection.pk, 0)),
            )
        )
    return found


def spending_chart(connection: Connection) -> StackedBars | None:
    """The last hour's requests by who spent them; None when Redis does not tell."""
    spent = budget.spent(connection)
    return stacked_bars(spent, ORDER, noun="requests in the last hour") if spent else None


def missing(known: Mapping[str, Capability]) -> list[Missing]:
    """What is known to be refused of that which the portal uses, with the price."""
    refused = {action: known[action] for action in _COSTS if action in known and known[action].state == "no"}
    costs = dict(_COSTS)
    for both, price in _WITHOUT_BOTH.items():
        if all(action in known and known[action].state == "no" for action in both):
            costs |= price
    return [Missing(action, found.reason, costs[action]) for action, found in refused.items()]


def _reread(connection: Connection, views: int) -> rereads.Plan | None:
    """None where the lists carry the SQL, so that no view has to be read again."""
    if connection.generation == rereads.LISTS_WITH_SQL:
        return None
    return rereads.plan(views, connection.sync_every_minutes)

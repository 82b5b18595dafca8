"""Actions of which PostHog keeps no record: they are known only here."""

from __future__ import annotations

from django.db.models import Q

from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity.facts import (
    COLUMNS_READ,
    COLUMNS_RETYPED,
    LOG_LAG,
    RESUMED,
    RUN_CANCELLED,
    RUN_STARTED,
    TABLE_CHANGED,
    TABLE_CREATED,
    TABLE_DELETED,
)
from warehouse_admin.activity.models import ActivityEntry
from warehouse_admin.mirror.models import Observation
from warehouse_admin.mirror.selectors import history_ends, log_read_at

Kind = Observation.Kind

LOGGED_BY: dict[str, str] = {
    Kind.CREATED: "ABCD",
    Kind.EDITED: "ABCD",
    Kind.DELETED: "CD",
    Kind.CADENCE_CHANGED: "CD",
    Kind.MATERIALIZED: "CD",
    Kind.UNMATERIALIZED: "CD",
    RUN_STARTED: "CD",
    RUN_CANCELLED: "CD",
    Kind.RENAMED: "",
    Kind.DESCRIBED: "",
    Kind.FILED: "",
    RESUMED: "",
    TABLE_CREATED: "",
    TABLE_CHANGED: "",
    TABLE_DELETED: "",
    COLUMNS_READ: "",
    COLUMNS_RETYPED: "",
}
"""The generations of servers that log an action."""


def never_logged(generation: str) -> list[str]:
    """What a server of this generation does not log; of an unknown one, what none logs."""
    return [kind for kind, servers in LOGGED_BY.items() if not servers or (generation and generation not in servers)]


def mark(connection: Connection) -> None:
    """Say of which entries PostHog will never tell: it logs no such thing, or its log was read past them in vain."""
    begin = history_ends(connection)
    if begin is None:
        return
    ours_or_nobodys = Q(mutation__isnull=False) | Q(observation__isnull=False, source=ActivityEntry.Source.UNKNOWN)
    rows = ActivityEntry.objects.filter(
        ours_or_nobodys,
        connection=connection,
        remote_activity=None,
        known_only_here=False,
        outcome="",
        occurred_at__gte=begin,
    )
    never = never_logged(connection.generation)
    in_vain = Q(kind__in=never)
    if (read_at := log_read_at(connection)) is not None:
        in_vain |= Q(kind__in=set(LOGGED_BY) - set(never), occurred_at__lt=read_at - LOG_LAG)
    rows.filter(in_vain).update(known_only_here=True)

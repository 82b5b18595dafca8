"""What the pages about connections, people and keys show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery

from warehouse_admin.accounts import budget
from warehouse_admin.accounts.models import ApiToken, Connection, PersonalKey, User
from warehouse_admin.core.counts import Each
from warehouse_admin.core.searching import mentioned
from warehouse_admin.posthog import capabilities
from warehouse_admin.posthog.capabilities import Capability

CONNECTION_UNREAD: tuple[str, ...] = ("connection__api_key", "connection__capabilities")
"""For lists to defer of the connections of their rows: a key would be decrypted for each row."""


@dataclass(frozen=True)
class BudgetView:
    """How much of a key's rate is left for people, and who spent it in the last hour."""

    left_minute: int | None
    left_hour: int | None
    spending: list[tuple[str, int]]


def connections() -> QuerySet[Connection]:
    """All connections with the end of their last good sync, in one query; keys are not read."""
    last_good = Max("syncs__finished_at", filter=Q(syncs__state="succeeded"))
    return Connection.objects.defer("capabilities", "api_key").annotate(last_sync_at=last_good).order_by("slug")


def active_connections() -> QuerySet[Connection]:
    """Those that something can be proposed for, in the order in which people are offered them."""
    return Connection.objects.filter(is_active=True).order_by("slug")


def budget_of(connection: Connection) -> BudgetView:
    left_minute, left_hour = budget.left(connection)
    return BudgetView(left_minute, left_hour, budget.spending(connection))


def capabilities_of(connection: Connection) -> list[tuple[str, str, Capability]]:
    """Every action with its words and what is known of it, refusals first."""
    known = capabilities.from_dict(connection.capabilities or {})
    order = {"no": 0, "unknown": 1, "yes": 2}
    told = sorted(known.items(), key=lambda item: order[item[1].state])
    return [(action, capabilities.words_of(action), capability) for action, capability in told]


def people(query: str = "") -> QuerySet[User]:
    """People, active ones first, with the names of their groups (`roles.roles_of`); `query` is in names or e-mail."""
    memberships = User.groups.through.objects.filter(user=OuterRef("pk")).order_by().values("user")
    names = memberships.values_list(Each("group__name"))
    found = User.objects.annotate(group_names=Subquery(names)).order_by("-is_active", "username")
    if query:
        found = found.filter(mentioned(query, "username", "email", "first_name", "last_name"))
    return found


def tokens_of(user: User) -> QuerySet[ApiToken]:
    return ApiToken.objects.filter(user=user, revoked_at=None).order_by("-created_at")


def keys_of(user: User) -> list[dict[str, Any]]:
    """Each active connection, and the person's own key for it or None; the key itself is not read."""
    stored = {key.connection_id: key for key in PersonalKey.objects.filter(user=user).defer("api_key")}
    return [
        {"connection": connection, "key": stored.get(connection.pk)}
        for connection in Connection.objects.filter(is_active=True).defer("api_key", "capabilities")
    ]

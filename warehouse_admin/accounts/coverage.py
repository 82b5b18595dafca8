"""What PostHog documents and what of it a connection is offered, uses and used: endpoint by endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from warehouse_admin.accounts.models import Connection, EndpointUse
from warehouse_admin.accounts.services.clients import capability
from warehouse_admin.posthog.capabilities import Capability
from warehouse_admin.posthog.endpoints import ENDPOINTS, Endpoint

EVERY_KEY = Capability("yes", "PostHog answers this to every key.")
UNASKED = Capability("unknown", "Nothing here asks it, so it was not tried.")
ANSWERED = Capability("yes", "Nothing foretells it, but PostHog answered when it was last asked.")
OPEN_TO_ALL = "/api/personal_api_keys/@current/"


@dataclass(frozen=True)
class Covered:
    """One endpoint on one connection: whether its key may, and when it was last asked with what result."""

    endpoint: Endpoint
    offered: Capability
    use: EndpointUse | None

    @property
    def last_used_at(self) -> datetime | None:
        return self.use.at if self.use else None


@dataclass(frozen=True)
class Group:
    """The endpoints of one resource."""

    label: str
    rows: list[Covered]


def of(connection: Connection) -> list[Covered]:
    """Every endpoint in the order of the list; one query."""
    used = {use.endpoint: use for use in EndpointUse.objects.filter(connection=connection)}
    return [Covered(one, _offered(connection, one, used.get(one.key)), used.get(one.key)) for one in ENDPOINTS]


def grouped(rows: list[Covered]) -> list[Group]:
    """The same by resource."""
    groups: dict[str, list[Covered]] = {}
    for row in rows:
        groups.setdefault(row.endpoint.group, []).append(row)
    return [Group(label, members) for label, members in groups.items()]


def _offered(connection: Connection, endpoint: Endpoint, use: EndpointUse | None) -> Capability:
    if endpoint.path == OPEN_TO_ALL:
        return EVERY_KEY
    if not endpoint.capability:
        return UNASKED
    known = capability(connection, endpoint.capability)
    return ANSWERED if known.state == "unknown" and connection.checked_at and _was_answered(use) else known


def _was_answered(use: EndpointUse | None) -> bool:
    """By PostHog to the connection's own key. A check only foretells, and forgets what writes had found out."""
    return use is not None and use.result == EndpointUse.Result.OK and not use.own_key_of

"""The roles, and what each may do beyond looking."""

from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models

from warehouse_admin.accounts.models import User


class Role(models.TextChoices):
    """Values are the words of the command line and the API, labels the names of the Django groups."""

    VIEWER = "viewer", "Viewer"
    EDITOR = "editor", "Editor"
    REVIEWER = "reviewer", "Reviewer"
    OPERATOR = "operator", "Operator"
    AUDITOR = "auditor", "Auditor"
    ADMIN = "admin", "Administrator"


PROPOSE = "changes.propose_changerequest"
REVIEW = "changes.review_changerequest"
APPLY = "changes.apply_changerequest"
CLOSE = "changes.close_changerequest"
EXEMPT = "lineage.exempt_finding"
REFRESH = "mirror.refresh_savedquery"
RUN = "mirror.run_savedquery"
START_SYNC = "mirror.start_sync"
RESUME = "schedules.resume_schedules"
DESCRIBE = "catalog.describe_entry"
CERTIFY = "catalog.certify_entry"
REVIEW_ACTIVITY = "activity.review_activityentry"
VIEW_ALL_ENTRIES = "audit.view_all_entries"
READ_INTERVIEWS = "interviews.view_interview"
WRITE_INTERVIEWS = "interviews.write_interview"
MANAGE_CONNECTIONS = "accounts.manage_connections"
MANAGE_PEOPLE = "accounts.manage_people"

ROLE_PERMISSIONS: dict[Role, frozenset[str]] = {
    Role.VIEWER: frozenset(),
    Role.EDITOR: frozenset({PROPOSE, DESCRIBE, REFRESH, START_SYNC, READ_INTERVIEWS, WRITE_INTERVIEWS}),
    Role.REVIEWER: frozenset({PROPOSE, DESCRIBE, CERTIFY, REVIEW, EXEMPT, REVIEW_ACTIVITY, REFRESH, READ_INTERVIEWS}),
    Role.OPERATOR: frozenset(
        {
            PROPOSE,
            DESCRIBE,
            APPLY,
            RESUME,
            RUN,
            START_SYNC,
            REFRESH,
            REVIEW_ACTIVITY,
            READ_INTERVIEWS,
            WRITE_INTERVIEWS,
        }
    ),
    Role.AUDITOR: frozenset({VIEW_ALL_ENTRIES, REVIEW_ACTIVITY}),
    Role.ADMIN: frozenset(
        {
            PROPOSE,
            DESCRIBE,
            CERTIFY,
            CLOSE,
            EXEMPT,
            RESUME,
            RUN,
            MANAGE_CONNECTIONS,
            MANAGE_PEOPLE,
            START_SYNC,
            REFRESH,
            REVIEW_ACTIVITY,
            VIEW_ALL_ENTRIES,
            READ_INTERVIEWS,
            WRITE_INTERVIEWS,
        }
    ),
}
_BY_GROUP = {role.label: role for role in Role}


def roles_from_groups(names: list[str]) -> frozenset[Role]:
    """The roles among some group names; other groups mean nothing."""
    return frozenset(_BY_GROUP[name] for name in names if name in _BY_GROUP)


def roles_of(user: User) -> frozenset[Role]:
    """The roles of a person, read once for each loaded object; nobody's are empty."""
    if not user.is_authenticated:
        return frozenset()
    known: frozenset[Role] | None = getattr(user, "_roles", None)
    if known is None:
        if hasattr(user, "group_names"):  # as `backends` reads them; None: no group
            known = roles_from_groups(user.group_names or [])
        else:
            known = roles_from_groups([group.name for group in user.groups.all()])
        user._roles = known  # type: ignore[attr-defined]
    return known


def give_role(user: User, role: Role) -> None:
    """Add one role; nothing is checked or audited here, services do that."""
    user.groups.add(_group(role))
    forget(user)


def take_role(user: User, role: Role) -> None:
    """Take one role away; nothing is checked or audited here, services do that."""
    user.groups.remove(_group(role))
    forget(user)


def forget(user: User) -> None:
    """Read the roles of this object again the next time."""
    for name in ("_roles", "group_names"):
        if hasattr(user, name):  # the person of a request is wrapped: their `__dict__` is not that of the wrapper
            delattr(user, name)
    getattr(user, "_prefetched_objects_cache", {}).pop("groups", None)


def _group(role: Role) -> Group:
    return Group.objects.get_or_create(name=Role(role).label)[0]

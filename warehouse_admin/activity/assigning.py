"""Who deals with an entry, and when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.policies import allows
from warehouse_admin.accounts.roles import ROLE_PERMISSIONS
from warehouse_admin.activity.dealing import PERMISSION, Deed, deal, require
from warehouse_admin.activity.errors import NotPossible, bad
from warehouse_admin.activity.models import ActivityEntry

ASSIGNED, SNOOZED = "activity.assigned", "activity.snoozed"
LONGEST = timedelta(days=90)
_ROLES = [role.label for role, given in ROLE_PERMISSIONS.items() if PERMISSION in given]


def assignable() -> QuerySet[User]:
    """The people who may review activity, by name."""
    return User.objects.filter(is_active=True, groups__name__in=_ROLES).distinct().order_by("username")


def assign(*, user: User, entry: ActivityEntry, to: str) -> ActivityEntry:
    """Give an entry to a person who may deal with it; an empty name gives it back to everybody."""
    require(user, ASSIGNED, entry)
    deal(Deed(user, ASSIGNED), [entry.pk], assigning(to))
    return ActivityEntry.objects.get(pk=entry.pk)


def assigning(to: str) -> Callable[[ActivityEntry], bool]:
    """Checked once, for as many entries as one likes."""
    person = _person(to)

    def give(entry: ActivityEntry) -> bool:
        if entry.assignee_id == (person.pk if person else None):
            return False
        entry.assignee = person
        return True

    return give


def _person(name: str) -> User | None:
    if not name.strip():
        return None
    person = User.objects.filter(username=name.strip(), is_active=True).first()
    if person is None or not allows(person, PERMISSION):
        raise bad("assignee", f"Choose somebody who may review activity: there is no such person called {name[:150]}.")
    return person


def snooze(*, user: User, entry: ActivityEntry, until: datetime | None) -> ActivityEntry:
    """Let an entry rest until then; it comes back by itself. None, which is no time, is refused after the rest is."""
    require(user, SNOOZED, entry)
    now = timezone.now()
    if until is None:
        raise bad("until", "Choose how long it shall rest.")
    if until <= now:
        raise bad("until", "Choose a time that is still to come.")
    if until > now + LONGEST:
        raise bad("until", f"At most {LONGEST.days} days; after that nobody remembers why.")
    deal(Deed(user, SNOOZED), [entry.pk], lambda one: _rest(one, until))
    return ActivityEntry.objects.get(pk=entry.pk)


def _rest(entry: ActivityEntry, until: datetime) -> bool:
    if entry.verdict or not entry.needs_review:
        raise NotPossible("Nothing about this entry waits, so there is nothing to put off.")
    if entry.snoozed_until == until:
        return False
    entry.snoozed_until = until
    return True

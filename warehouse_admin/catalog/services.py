"""Saying who answers for a view or table, and by which words it is found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from warehouse_admin.accounts.models import User
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.reasons import clean_reason
from warehouse_admin.audit.targets import Target
from warehouse_admin.catalog import policies, selectors, tags
from warehouse_admin.catalog.models import Entry, Tag
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.mirror.hooks import Description
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

DESCRIBED = "catalog.described"


def describe(
    *,
    user: User,
    subject: SavedQuery | WarehouseTable,
    owner: str | None = None,
    tag_names: Sequence[str] | None = None,
    reason: str = "",
) -> Description:
    """Set the owner (a user name, "" for nobody) and the tags; what is None stays. What changes nothing is no entry."""
    policies.require_describe(user, DESCRIBED, target_of(subject))
    reason = clean_reason(reason, needed=False)
    names = None if tag_names is None else tags.clean(tag_names)
    with transaction.atomic():
        entry = locked(subject)
        before = described_as(entry)
        if owner is not None and owner.strip() != before["owner"]:
            entry.owner = person_called(owner.strip())
            entry.save(update_fields=["owner"])
        if names is not None:
            entry.tags.set([Tag.objects.get_or_create(name=name)[0] for name in names])
        record_described(user, subject, before, described_as(entry), reason)
    return selectors.description_of(subject)


def locked(subject: SavedQuery | WarehouseTable) -> Entry:
    """The entry of an object, made where there is none, held to the end of the transaction."""
    known: dict[str, Any] = {
        "connection_id": subject.connection_id,
        "kind": selectors.kind_of(subject),
        "posthog_id": subject.posthog_id,
    }
    Entry.objects.get_or_create(**known)
    return Entry.objects.select_for_update().get(**known)


def described_as(entry: Entry) -> dict[str, Any]:
    """Owner and tags as the trail keeps them."""
    owner = entry.owner
    return {"owner": owner.username if owner else "", "tags": sorted(tag.name for tag in entry.tags.all())}


def record_described(
    user: User, subject: SavedQuery | WarehouseTable, before: dict[str, Any], after: dict[str, Any], reason: str
) -> None:
    """Append what changed to the trail, last in a transaction; nothing where nothing did."""
    changed = [name for name in before if before[name] != after[name]]
    if changed:
        audit.record(
            actor=user,
            action=DESCRIBED,
            target=target_of(subject),
            reason=reason,
            before={name: before[name] for name in changed},
            after={name: after[name] for name in changed},
            connection=subject.connection.slug,
        )


def target_of(subject: SavedQuery | WarehouseTable) -> Target:
    return Target(selectors.kind_of(subject), str(subject.posthog_id), subject.name)


def person_called(name: str) -> User | None:
    """The active person of this user name; None for "". InvalidInput where there is none."""
    if not name:
        return None
    person = None if "\x00" in name else selectors.people().filter(username=name).first()
    if person is None:
        told = f"Nobody active here is called {name[:150]}. Use a user name from the list of people."
        raise InvalidInput(told, errors={"owner": [told]})
    return person

"""What is said of views and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import CharField, F, FilteredRelation, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from warehouse_admin.accounts.models import User
from warehouse_admin.catalog.models import Entry, Tag
from warehouse_admin.core.counts import Each
from warehouse_admin.mirror.hooks import Description
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable


def kind_of(subject: SavedQuery | WarehouseTable) -> Entry.Kind:
    return Entry.Kind.VIEW if isinstance(subject, SavedQuery) else Entry.Kind.TABLE


def descriptions(objects: Iterable[SavedQuery | WarehouseTable]) -> dict[int, Description]:
    """What is said of each of these, all of one kind, by primary key; one query."""
    by_id = {(subject.connection_id, subject.posthog_id): subject.pk for subject in objects}
    if not by_id:
        return {}
    kind = kind_of(next(iter(objects)))
    entries = Entry.objects.filter(kind=kind, posthog_id__in=[key for _, key in by_id])
    found = {}
    named = Each("tags__name", filter=Q(tags__isnull=False))
    for entry in entries.select_related("owner").annotate(tag_names=named):
        key = by_id.get((entry.connection_id, entry.posthog_id))
        if key is not None:
            tags = tuple(sorted(entry.tag_names or ()))
            owner = entry.owner
            found[key] = Description(owner.username if owner else "", owner.display_name if owner else "", tags)
    return found


def with_descriptions(views: Sequence[SavedQuery]) -> list[tuple[SavedQuery, Description]]:
    """Each with what is said of it."""
    found = descriptions(views)
    return [(view, found.get(view.pk, Description())) for view in views]


def description_of(subject: SavedQuery | WarehouseTable) -> Description:
    return descriptions([subject]).get(subject.pk, Description())


def with_owner_name(views: QuerySet[SavedQuery], name: str) -> QuerySet[SavedQuery]:
    """Views with the user name of who answers for each, "" for nobody, under `name`."""
    of_view = FilteredRelation("catalog_entries", condition=Q(catalog_entries__kind=Entry.Kind.VIEW))
    said = Coalesce(F("said_of_it__owner__username"), Value(""), output_field=CharField())
    return views.alias(said_of_it=of_view).annotate(**{name: said})


def people() -> QuerySet[User]:
    """Who can answer for something."""
    return User.objects.filter(is_active=True).order_by("username")


def owners(typed: str, limit: int) -> list[User]:
    """People whose name holds what was typed."""
    named = Q(username__icontains=typed) | Q(first_name__icontains=typed) | Q(last_name__icontains=typed)
    return list(people().filter(named)[:limit])


def tags_in_use(typed: str, limit: int) -> list[str]:
    """Tags that hold what was typed, those that begin with it first."""
    names = Tag.objects.filter(entries__isnull=False, name__contains=typed).values_list("name", flat=True).distinct()
    return sorted(names[: 5 * limit], key=lambda name: (not name.startswith(typed), name))[:limit]


def described(condition: Q) -> QuerySet[Any]:
    """Remote ids of the views whose entries fulfil a condition."""
    return Entry.objects.filter(condition, kind=Entry.Kind.VIEW)

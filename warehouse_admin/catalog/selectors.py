"""What is said of views and tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import CharField, F, FilteredRelation, Q, QuerySet, Value
from django.db.models.functions import Coalesce

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.catalog.models import Entry, Tag, Trust
from warehouse_admin.core.counts import Each
from warehouse_admin.mirror.hooks import Description, Trusted
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

KINDS: dict[str, Any] = {Entry.Kind.TABLE: WarehouseTable, Entry.Kind.VIEW: SavedQuery}
"""What there is of each kind; a view goes before a table of the same name."""


def kind_of(subject: SavedQuery | WarehouseTable) -> Entry.Kind:
    return Entry.Kind.VIEW if isinstance(subject, SavedQuery) else Entry.Kind.TABLE


def descriptions(objects: Iterable[SavedQuery | WarehouseTable]) -> dict[int, Description]:
    """What is said of each of these, all of one kind, by primary key; one query."""
    by_id = {(subject.connection_id, subject.posthog_id): subject.pk for subject in objects}
    if not by_id:
        return {}
    kind = kind_of(next(iter(objects)))
    found = {}
    for entry in _entries().filter(kind=kind, posthog_id__in=[key for _, key in by_id]):
        key = by_id.get((entry.connection_id, entry.posthog_id))
        if key is not None:
            found[key] = _description(entry)
    return found


def _entries() -> QuerySet[Any]:
    """With the owner, the trust and the names of the tags."""
    named = Each("tags__name", filter=Q(tags__isnull=False))
    return Entry.objects.select_related("owner", "trust").annotate(tag_names=named)


def _description(entry: Any) -> Description:
    owner, trust = entry.owner, getattr(entry, "trust", None)
    return Description(
        owner=owner.username if owner else "",
        owner_name=owner.display_name if owner else "",
        tags=tuple(sorted(entry.tag_names or ())),
        trust=trust.state if trust else "",
        trust_why=(trust.why_suspended or trust.note) if trust else "",
    )


def with_descriptions(views: Sequence[SavedQuery]) -> list[tuple[SavedQuery, Description]]:
    """Each with what is said of it."""
    found = descriptions(views)
    return [(view, found.get(view.pk, Description())) for view in views]


def description_of(subject: SavedQuery | WarehouseTable) -> Description:
    return said_of(subject)[0]


def with_owner_name(views: QuerySet[SavedQuery], name: str) -> QuerySet[SavedQuery]:
    """Views with the user name of who answers for each, "" for nobody, under `name`."""
    of_view = FilteredRelation("catalog_entries", condition=Q(catalog_entries__kind=Entry.Kind.VIEW))
    said = Coalesce(F("said_of_it__owner__username"), Value(""), output_field=CharField())
    return views.alias(said_of_it=of_view).annotate(**{name: said})


def said_of(subject: SavedQuery | WarehouseTable) -> tuple[Description, Trust | None]:
    """What is said of one object, and the trust in it with who said so; one query."""
    entry = (
        _entries()
        .select_related("trust__said_by")
        .filter(connection_id=subject.connection_id, kind=kind_of(subject), posthog_id=subject.posthog_id)
        .first()
    )
    return (_description(entry), getattr(entry, "trust", None)) if entry else (Description(), None)


def trusted(connection: Connection, names: Collection[str]) -> dict[str, Trusted]:
    """The trust in the views and tables of these names, of those of which something is said; at most four queries."""
    of_connection = Trust.objects.filter(entry__connection=connection)
    if not of_connection.exists():
        return {}
    named: dict[str, tuple[str, UUID]] = {}
    for kind, model in KINDS.items():
        rows = model.objects.present().filter(connection=connection, name__in=names)
        named |= {name: (kind, key) for name, key in rows.values_list("name", "posthog_id")}
    said = of_connection.filter(entry__posthog_id__in=[key for _, key in named.values()]).select_related("entry")
    by_object = {(trust.entry.kind, trust.entry.posthog_id): trust for trust in said}
    return {name: trusted_as(by_object[key]) for name, key in named.items() if key in by_object}


def trusted_as(trust: Trust) -> Trusted:
    """As other apps are told of it."""
    return Trusted(trust.state, trust.why_suspended or trust.note, trust.instead)


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

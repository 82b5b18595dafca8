"""What the REST endpoints of other apps share about connections."""

from __future__ import annotations

from django.db.models import Q

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.rest.filters import Filter, Unusable


def connection_filter(lookup: str = "connection__slug") -> Filter:
    """`connection=<slug>`: a slug that nobody has is refused, since it would only ever find nothing."""
    return Filter(_known_slug, lambda slug: Q(**{lookup: slug}), "The slug of a connection.")


def _known_slug(value: str) -> str:
    known = list(Connection.objects.values_list("slug", flat=True))
    if value not in known:
        raise Unusable(f"There is no such connection. Choose one of {', '.join(known) or 'none: add one first'}.")
    return value


def named_connection(slug: str) -> Connection | None:
    """The one that is named, or the only one there is; None where several are and none is named."""
    if slug:
        found = Connection.objects.filter(slug=slug).first()
        if found is None:
            told = f"There is no connection {slug}."
            raise InvalidInput(told, errors={"connection": [told]})
        return found
    several = list(Connection.objects.all()[:2])
    return several[0] if len(several) == 1 else None

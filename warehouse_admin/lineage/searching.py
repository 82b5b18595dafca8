"""`uses:` in the search of views: what a view itself selects from, as far as its SQL was parsed."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q

from warehouse_admin.lineage.models import Edge
from warehouse_admin.mirror.search.operators import Asked, Offer, Operator, Unusable

OFFERED = 10
ANY = "*"


def _uses(value: str, asked: Asked) -> Q:
    """By the whole name, or a part of it with a star where the rest is."""
    name = value.strip(ANY)
    if not name:
        raise Unusable("Name a table or view, such as uses:events, or a part of a name, such as uses:raw_*.")
    if ANY in name:
        raise Unusable("A star may stand at the beginning and at the end only.")
    begins, ends = not value.startswith(ANY), not value.endswith(ANY)
    lookup = {(True, True): "iexact", (True, False): "istartswith", (False, True): "iendswith"}
    edges = Edge.objects.filter(**{f"name__{lookup.get((begins, ends), 'icontains')}": name})
    return Q(Exists(edges.filter(downstream=OuterRef("pk"))))


def _sources(typed: str, asked: Asked) -> list[Offer]:
    edges = Edge.objects.filter(downstream__deleted_at=None)
    if asked.connection:
        edges = edges.filter(connection__slug=asked.connection)
    found: list[str] = []
    for lookup in ("istartswith", "icontains"):
        names = edges.filter(**{f"name__{lookup}": typed.strip(ANY)}).order_by("name").values_list("name", flat=True)
        found += list(names.distinct()[:OFFERED])
    return [Offer(name, "is selected from") for name in dict.fromkeys(found)][:OFFERED]


USES = Operator("uses", "Selects from this table or view", "uses:events", _uses, _sources)

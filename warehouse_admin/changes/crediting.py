"""Whose suggestions a revision holds: they count as writers of what it means."""

from __future__ import annotations

from collections.abc import Iterable

from warehouse_admin.accounts.models import User
from warehouse_admin.changes.models import Credit, Revision


def credit(revision: Revision, suggesters: Iterable[User]) -> None:
    """Credit a new revision to these people and to whoever was credited with the one before it.

    A meaning that had stood without somebody's suggestion owes them nothing: one that only changes the layout, and
    one that an edit comes back to.
    """
    earlier = Revision.objects.filter(change=revision.change_id, number__lt=revision.number)
    last = earlier.order_by("-number").first()
    people = {person.pk for person in suggesters if person.pk != revision.editor_id}
    people |= set(Credit.objects.filter(revision=last).values_list("person", flat=True))
    if not people:
        return
    same = list(earlier.filter(meaning_digest=revision.meaning_digest).values_list("pk", flat=True))
    held = set(Credit.objects.filter(revision__in=same).values_list("revision", "person"))
    owed = [key for key in sorted(people) if all((step, key) in held for step in same)]
    Credit.objects.bulk_create(Credit(revision=revision, person_id=key) for key in owed)

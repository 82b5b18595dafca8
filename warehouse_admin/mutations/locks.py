"""One mutation at a time for each remote object, decided by a unique row."""

from __future__ import annotations

from django.utils import timezone

from warehouse_admin.mutations.kinds import kind_of
from warehouse_admin.mutations.models import Mutation, ObjectLock

_UNDER_WAY = (Mutation.State.SENDING, Mutation.State.UNCONFIRMED)


def take(mutation: Mutation) -> bool:
    """False while another mutation of the object is under way; the lock of a finished one is taken over."""
    lock, made = ObjectLock.objects.select_related("mutation").get_or_create(
        connection=mutation.connection, object_id=kind_of(mutation).lock_id(mutation), defaults={"mutation": mutation}
    )
    if made or lock.mutation_id == mutation.pk:
        return True
    if lock.mutation.state in _UNDER_WAY:
        return False
    same = ObjectLock.objects.filter(pk=lock.pk, mutation_id=lock.mutation_id)
    return same.update(mutation=mutation, taken_at=timezone.now()) == 1


def release(mutation: Mutation) -> None:
    ObjectLock.objects.filter(mutation=mutation).delete()

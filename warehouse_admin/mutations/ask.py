"""Step one: the intention is on record before anything can be sent."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.core import context
from warehouse_admin.mutations import outcome
from warehouse_admin.mutations.kinds import kind_of
from warehouse_admin.mutations.models import Mutation


def ask(
    *,
    connection: Connection,
    kind: str,
    object_id: str,
    object_name: str,
    actor: User | None,
    idempotency_key: str,
    payload: dict[str, Any],
    base: dict[str, Any] | None = None,
    cause: str = "",
    reason: str = "",
    credential: str = "",
    author_name: str = "",
) -> Mutation:
    """Record the wish with its audit entry, joining the caller's transaction; the same key gives the same mutation.

    `credential` names the person whose own key may be used; the actor's when empty. `author_name` is whose work it
    carries, when the actor only sets it off. Raises ValueError for a payload that must never be sent.
    """
    wish = Mutation(
        connection=connection,
        kind=Mutation.Kind(kind),
        object_id=str(object_id),
        object_name=object_name[:200],
        idempotency_key=idempotency_key,
        actor=actor,
        payload=payload,
        base=base or {},
        cause=cause,
        reason=reason,
        credential=credential,
        author_name=author_name,
        request_id=context.current().request_id,
    )
    kind_of(wish).check(wish)
    with transaction.atomic():
        known = Mutation.objects.filter(idempotency_key=idempotency_key).first()
        if known is not None:
            return known
        wish.save(force_insert=True)
        outcome.audit_asked(wish)
    return wish

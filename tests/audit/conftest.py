"""What somebody with the database's password could do to the trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from warehouse_admin.accounts.models import User
from warehouse_admin.audit import chain, services, triggers
from warehouse_admin.audit.models import AuditEntry, ChainHead
from warehouse_admin.audit.targets import Target

Tamper = Callable[..., None]


@pytest.fixture
def entries(author: User) -> list[AuditEntry]:
    return [
        services.record(
            actor=author,
            action="test.done",
            target=Target("saved_query", f"id-{number}", f"view_{number}"),
            before={"n": number},
            after={"n": number + 1, "share": 0.25, "big": 1e16, "nothing": -0.0, "text": "é 🦔\r\n\x00"},
        )
        for number in range(5)
    ]


@pytest.fixture
def tamper(db: None) -> Tamper:
    """Run SQL with the triggers lifted."""

    def run(sql: str, *values: Any) -> None:
        with connection.cursor() as cursor:
            triggers.drop(cursor)
            cursor.execute(sql, values)
            triggers.create(cursor)

    return run


@pytest.fixture
def rewrite(tamper: Tamper) -> Callable[[int], None]:
    """Change an entry, and make every hash from there on anew, as somebody would who knows how the chain is made."""

    def run(sequence: int) -> None:
        table = AuditEntry._meta.db_table
        tamper(f"UPDATE {table} SET reason = 'rewritten' WHERE sequence = %s", sequence)
        previous = AuditEntry.objects.filter(sequence=sequence - 1).values_list("hash", flat=True).first()
        previous = previous or chain.GENESIS
        for entry in AuditEntry.objects.filter(sequence__gte=sequence).order_by("sequence"):
            entry.prev_hash = previous
            previous = chain.entry_hash([getattr(entry, name) for name in chain.FIELDS])
            tamper(
                f"UPDATE {table} SET prev_hash = %s, hash = %s WHERE sequence = %s",
                entry.prev_hash,
                previous,
                entry.sequence,
            )
        ChainHead.objects.update(hash=previous)

    return run


@pytest.fixture
def cut(tamper: Tamper) -> Callable[[int], None]:
    """Delete everything after an entry and set the chain's end back to it."""

    def run(last: int) -> None:
        tamper(f"DELETE FROM {AuditEntry._meta.db_table} WHERE sequence > %s", last)
        ended = AuditEntry.objects.get(sequence=last)
        ChainHead.objects.update(sequence=last, hash=ended.hash)

    return run

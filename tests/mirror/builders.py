"""Mirrored rows made by hand, for tests that need many or odd ones."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.digests import text_digest
from warehouse_admin.mirror.models import SavedQuery


def make_view(connection: Connection, name: str, sql: str = "SELECT 1", **fields: Any) -> SavedQuery:
    now = timezone.now()
    known = {"synced_at": now, "detail_synced_at": now, "needs_detail": False, "is_materialized": False}
    return SavedQuery.objects.create(
        connection=connection,
        posthog_id=uuid.uuid4(),
        name=name,
        query=sql,
        query_hash=text_digest(sql),
        **{**known, **fields},
    )

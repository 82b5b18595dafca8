"""What a write would look like, for people to read before anybody asks for it."""

from __future__ import annotations

from typing import Any

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mutations.kinds import kind_of
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.mutations.rows import Snapshot


def preview(
    *,
    connection: Connection,
    kind: str,
    object_id: str,
    object_name: str,
    payload: dict[str, Any],
    base: Snapshot,
) -> dict[str, Any]:
    """`method`, `path` and `body` as they would leave if PostHog still held `base`; its token is read anew then."""
    wish = Mutation(
        connection=connection,
        kind=Mutation.Kind(kind),
        object_id=object_id,
        object_name=object_name,
        payload=payload,
        base=base,
    )
    way = kind_of(wish)
    request = way.request(wish, way.restore(base) if base.get("id") else None)
    path = f"/api/{connection.path_prefix}/{connection.project_id}/{request.path}"
    return {"method": request.method, "path": path, "body": request.body}

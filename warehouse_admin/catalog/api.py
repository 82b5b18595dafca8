"""REST: owners and tags, at the address of the object itself."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.audit import reasons
from warehouse_admin.catalog import services, tags
from warehouse_admin.core.rest.endpoints import SignedInRequest
from warehouse_admin.core.rest.strict import Strict
from warehouse_admin.mirror.api import IN_CONNECTION, SavedQueryOne, TableOne
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable
from warehouse_admin.mirror.serializers import SavedQueryDetail, TableRow


class Description(Strict):
    """What is left out stays as it is."""

    owner = serializers.CharField(
        max_length=150, allow_null=True, allow_blank=True, required=False, help_text="A user name; null for nobody."
    )
    tags = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=50, required=False, help_text=f"At most {tags.MOST}."
    )
    reason = serializers.CharField(max_length=reasons.LONGEST, allow_blank=True, required=False, default="")

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        if "owner" not in given and "tags" not in given:
            raise serializers.ValidationError("Send owner, tags or both.")
        return given


def _describe(endpoint: Any, subject: SavedQuery | WarehouseTable) -> None:
    given = endpoint.clean(Description)
    owner = (given["owner"] or "") if "owner" in given else None
    services.describe(
        user=endpoint.request.user,
        subject=subject,
        owner=owner,
        tag_names=given.get("tags"),
        reason=given["reason"],
    )


class DescribedQuery(Idempotent, SavedQueryOne):
    keyed_methods = frozenset({"POST", "PATCH"})

    @extend_schema(request=Description, responses=SavedQueryDetail, parameters=[IN_CONNECTION])
    def patch(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """Set who answers for a view and its tags. Everything else of a view goes through a change."""
        view = self.view()
        _describe(self, view)
        return self.answer(view)


class DescribedTable(Idempotent, TableOne):
    keyed_methods = frozenset({"POST", "PATCH"})

    @extend_schema(request=Description, responses=TableRow, parameters=[IN_CONNECTION])
    def patch(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """Set who answers for a table and its tags."""
        table = self.table()
        _describe(self, table)
        return self.answer(table)

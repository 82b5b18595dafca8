"""REST: what one view reads, and what reads it."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.core.errors import InvalidInput, Missing
from warehouse_admin.core.rest.endpoints import SignedInRequest
from warehouse_admin.lineage import comparison, listed, selectors
from warehouse_admin.lineage.errors import BadSelector
from warehouse_admin.lineage.selecting import HOW, MOST_CHARACTERS
from warehouse_admin.mirror import remote_lineage
from warehouse_admin.mirror.api import IN_CONNECTION, OfView
from warehouse_admin.mirror.models import SavedQuery

DEEPEST = 10
MOST_SELECTED = 5_000
SELECT = f"Instead of `depth`: what to show, whatever view the address names. {HOW} A comma asks for what both share."


class Node(serializers.Serializer):
    id = serializers.CharField(help_text="The remote id; the name of something built in or unknown.")
    name = serializers.CharField()
    kind = serializers.CharField(help_text="view, materialized_view, table, builtin or unknown.")


class LineageEdge(serializers.Serializer):
    source = serializers.CharField(help_text="The id of the node that is read.")  # type: ignore[assignment]
    target = serializers.CharField(help_text="The id of the node that reads it.")


class Neighbourhood(serializers.Serializer):
    nodes = Node(many=True)
    edges = LineageEdge(many=True)


class ComparedNode(serializers.Serializer):
    id = serializers.CharField(source="key", help_text="The remote id; the name of something built in or unknown.")
    name = serializers.CharField()
    kind = serializers.CharField(help_text="view, materialized_view, table, builtin or unknown.")


class LineageDifference(serializers.Serializer):
    known = serializers.CharField(help_text="`here`: only in the parsed SQL. `there`: only in PostHog's graph.")
    node = ComparedNode()
    reason = serializers.CharField(help_text="The likely reason.")


class ComparedSide(serializers.Serializer):
    direction = serializers.CharField(help_text="`upstream` or `downstream`.")
    told = serializers.BooleanField(help_text="Whether PostHog said anything about it.")
    here = serializers.IntegerField(help_text="Immediate neighbours by the parsed SQL.")
    there = serializers.IntegerField(help_text="The same by PostHog's graph.")
    agreed = serializers.IntegerField()
    counted = serializers.IntegerField(allow_null=True, help_text="What its `dependencies` counts.")
    differences = LineageDifference(many=True)


class ComparisonDetail(serializers.Serializer):
    """PostHog's own lineage of a view beside the parsed one, as of the last time somebody asked."""

    asked_at = serializers.DateTimeField()
    asked_by = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True, help_text="Why PostHog told only a part.")
    sides = ComparedSide(many=True)


@extend_schema(parameters=[IN_CONNECTION])
class CompareLineage(Idempotent, OfView):
    serializer_class = ComparisonDetail

    def get(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """The last comparison; 404 where nobody asked for one."""
        found = comparison.of(self.view())
        if found is None:
            raise Missing("Nobody has compared this view with PostHog yet: POST here to do it.")
        return self.answer(found)

    @extend_schema(request=None)
    def post(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """Ask PostHog now; 409 where its server tells no key, or gives no answer."""
        view = self.view()
        remote_lineage.compare(saved_query=view, user=request.user)
        return self.answer(comparison.of(view))


class Lineage(OfView):
    serializer_class = Neighbourhood

    @extend_schema(
        parameters=[
            IN_CONNECTION,
            OpenApiParameter("depth", {"type": "integer", "minimum": 1, "maximum": DEEPEST, "default": 1}),
            OpenApiParameter("select", {"type": "string", "maxLength": MOST_CHARACTERS}, description=SELECT),
        ]
    )
    def get(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """Everything within `depth` hops up and down, or what `select` means, from the parsed SQL."""
        select = request.query_params.get("select", "").strip()
        if select:
            return self.answer(_selected(self.view(), select))
        depth = _depth(request.query_params.get("depth", "1"))
        return self.answer(selectors.neighbourhood(self.view(), depth))


def _selected(view: SavedQuery, select: str) -> dict[str, list[dict[str, str]]]:
    found = listed.select(view, select, MOST_SELECTED)
    if found.found > len(found.rows):
        raise BadSelector(f"That selects {found.found:,} things, more than {MOST_SELECTED:,}. Go fewer steps.")
    edges = [{"source": source, "target": target} for source, target in found.edges]
    return {"nodes": [row.node for row in found.rows], "edges": edges}


def _depth(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) <= 2 and 1 <= int(value) <= DEEPEST):
        told = f"Use a whole number from 1 to {DEEPEST}."
        raise InvalidInput(f"depth: {told}", errors={"depth": [told]})
    return int(value)

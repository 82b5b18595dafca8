"""REST: the warehouse as it stood at a moment, and what became otherwise between two."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response

from warehouse_admin.activity import moments, presenters
from warehouse_admin.core.rest.endpoints import Endpoint, SignedInRequest
from warehouse_admin.core.rest.fields import NullableText
from warehouse_admin.mirror import moments as mirrored

AT = OpenApiParameter("at", str, description="The moment, UTC where it names no zone; without it, now.")
FROM = OpenApiParameter("from", str, description="The earlier moment; without it, seven days before the later one.")
TO = OpenApiParameter("to", str, description="The later moment; without it, now.")
FEEDS = OpenApiParameter("feeds", str, description="Name or id of a view: only it and what feeds it, however far away.")
CONNECTION = OpenApiParameter("connection", str, description="The slug; without it, all of them.")
SEARCH = OpenApiParameter("search", str, description="Words of the name that a view has or had.")


class StandRow(serializers.Serializer):
    """A view as it was. `version` is null while its SQL was not read."""

    id = serializers.UUIDField(source="view.posthog_id")
    connection = serializers.CharField(source="view.connection.slug")
    name = serializers.CharField()
    sync_frequency = NullableText(source="facts.sync_frequency")
    is_materialized = serializers.BooleanField(source="facts.is_materialized", allow_null=True)
    columns = serializers.JSONField(source="facts.columns")
    description = NullableText(source="facts.description")
    folder = NullableText(source="facts.folder_name")
    version = serializers.IntegerField(source="version.number", allow_null=True, default=None)
    query_hash = NullableText()


class EditRow(serializers.Serializer):
    version = serializers.IntegerField(source="number")
    origin = serializers.CharField()
    author = NullableText(source="author_name")
    change = serializers.IntegerField(source="change_number", allow_null=True)
    seen_at = serializers.DateTimeField()


class EntryOfView(serializers.Serializer):
    id = serializers.IntegerField()
    kind = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]  # the name of the field in the API
    author = NullableText()
    change = serializers.SerializerMethodField()
    occurred_at = serializers.DateTimeField()

    def get_change(self, entry: Any) -> int | None:
        return presenters.change_number(entry)


class DifferenceRow(serializers.Serializer):
    """One view at both moments; `before` is null for a view that was not there, and so is `after`."""

    kind = serializers.ChoiceField(source="found.kind", choices=["added", "removed", "changed", "put_back", "passing"])
    edited = serializers.BooleanField(source="found.edited", help_text="Its SQL is another one.")
    differs = serializers.SerializerMethodField(help_text="The names of the fields that differ, SQL apart.")
    before = serializers.SerializerMethodField()
    after = serializers.SerializerMethodField()
    edits = EditRow(source="found.edits", many=True)
    entries = EntryOfView(many=True)

    def get_differs(self, told: moments.Told) -> list[str]:
        return list(told.found.fields)

    @extend_schema_field(StandRow(allow_null=True))
    def get_before(self, told: moments.Told) -> Any:
        return _stand(told.found.before)

    @extend_schema_field(StandRow(allow_null=True))
    def get_after(self, told: moments.Told) -> Any:
        return _stand(told.found.after)


def _stand(stand: mirrored.Stand) -> Any:
    return StandRow(stand).data if stand.existed else None


class _OfMoments(Endpoint):
    """A page of what is asked for by the query string."""

    pagination_class = GenericAPIView.pagination_class

    def text(self, name: str) -> str:
        return self.request.query_params.get(name, "")


class Stood(_OfMoments):
    serializer_class = StandRow

    @extend_schema(parameters=[AT, CONNECTION, SEARCH], responses=StandRow(many=True))
    def get(self, request: SignedInRequest) -> Response:
        """Every view as the mirror knew it at a moment."""
        at = moments.read_past("at", self.text("at"))
        page = list(self.paginate_queryset(moments.stood(at, self.text("connection"), self.text("search"))) or ())
        found = mirrored.stands(page, at)
        return self.get_paginated_response(self.get_serializer([found[view.pk] for view in page], many=True).data)


class DifferenceOfMoments(_OfMoments):
    serializer_class = DifferenceRow

    @extend_schema(parameters=[FROM, TO, FEEDS, CONNECTION], responses=DifferenceRow(many=True))
    def get(self, request: SignedInRequest) -> Response:
        """What became otherwise between two moments, and who is known to have done it."""
        asked = moments.asked(
            start=self.text("from"), end=self.text("to"), connection=self.text("connection"), feeds=self.text("feeds")
        )
        page = list(self.paginate_queryset(moments.touched(asked)) or ())
        return self.get_paginated_response(
            self.get_serializer(moments.told(page, asked.start, asked.end), many=True).data
        )

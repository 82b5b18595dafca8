"""REST: saved filters of the log."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.audit import policies, saved_filters
from warehouse_admin.audit.models import SavedFilter
from warehouse_admin.core.rest.endpoints import Endpoint, ListEndpoint, SignedInRequest
from warehouse_admin.core.rest.fields import ExactText
from warehouse_admin.core.saved import LONGEST_NAME


class FilterRow(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.username", read_only=True)
    shared = serializers.BooleanField(source="is_shared", default=False)

    class Meta:
        model = SavedFilter
        fields = ["id", "name", "query", "shared", "owner"]


class FilterBody(serializers.Serializer):
    name = serializers.CharField(max_length=LONGEST_NAME)
    query = ExactText(help_text="The query string of the page.")
    shared = serializers.BooleanField(default=False, help_text="With all who may read the whole trail.")


class FilterChange(serializers.Serializer):
    """What is left out stays."""

    name = serializers.CharField(max_length=LONGEST_NAME, required=False)
    query = ExactText(required=False)
    shared = serializers.BooleanField(required=False)


class FilterList(ListEndpoint):
    """Your saved filters of the trail, and those that are shared with whoever may read all of it."""

    serializer_class = FilterRow
    orderings: ClassVar = {"name": "name"}
    default_ordering = "name"

    def get_queryset(self) -> QuerySet[SavedFilter]:
        user = self.request.user
        return saved_filters.filters_of(user, sees_all=policies.sees_all(user))

    @extend_schema(request=FilterBody, responses={201: FilterRow})
    def post(self, request: SignedInRequest) -> Response:
        """Keep one; the same name again replaces it."""
        return self.answer(saved_filters.save(user=request.user, **_said(self.clean(FilterBody))), status=201)


class FilterOne(Endpoint):
    """One of your own."""

    serializer_class = FilterRow

    @extend_schema(request=FilterChange, responses=FilterRow)
    def patch(self, request: SignedInRequest, filter_id: int) -> Response:
        return self.answer(saved_filters.change(user=request.user, pk=filter_id, **_said(self.clean(FilterChange))))

    @extend_schema(responses={204: None})
    def delete(self, request: SignedInRequest, filter_id: int) -> Response:
        saved_filters.remove(user=request.user, pk=filter_id)
        return Response(status=204)


def _said(wanted: dict[str, Any]) -> dict[str, Any]:
    return {"is_shared" if name == "shared" else name: value for name, value in wanted.items()}

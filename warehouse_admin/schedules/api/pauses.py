"""REST: the pauses in force."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import Q, QuerySet
from rest_framework import serializers

from warehouse_admin.accounts.api import connection_filter
from warehouse_admin.core.rest import filters
from warehouse_admin.core.rest.endpoints import ListEndpoint
from warehouse_admin.core.rest.fields import NullableText
from warehouse_admin.schedules.holds import open_holds
from warehouse_admin.schedules.models import Hold


class PauseRow(serializers.ModelSerializer):
    saved_query = serializers.UUIDField(source="saved_query.posthog_id")
    name = serializers.CharField(source="saved_query.name")
    connection = serializers.CharField(source="saved_query.connection.slug")
    by = serializers.CharField(source="by_name")
    cadence_before = NullableText(help_text="The cadence that it gets back.")
    trouble = NullableText(help_text="What is wrong with its wake-up and what happens next, in words.")
    wake = serializers.UUIDField(source="wake_id", allow_null=True, help_text="The last campaign that was to wake it.")

    class Meta:
        model = Hold
        fields = [
            "saved_query",
            "name",
            "connection",
            "reason",
            "by",
            "at",
            "until",
            "cadence_before",
            "trouble",
            "wake",
            "wake_tries",
            "wake_not_before",
            "needs_person_at",
        ]
        read_only_fields = fields


class PauseList(ListEndpoint):
    """Pauses that people asked for here and that are in force, those that need a person first."""

    serializer_class = PauseRow
    filters: ClassVar = {
        "connection": connection_filter("saved_query__connection__slug"),
        "saved_query": filters.identifier("saved_query__posthog_id", "Of one view."),
        "needs_person": filters.conditions(
            {"true": Q(needs_person_at__isnull=False), "false": Q(needs_person_at=None)},
            "Whether its wake-up failed for good.",
        ),
    }
    searched = ("saved_query__name", "reason")
    orderings: ClassVar = {"at": "at", "until": "until"}

    def get_queryset(self) -> QuerySet[Hold]:
        return open_holds()

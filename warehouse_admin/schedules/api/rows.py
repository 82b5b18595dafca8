"""How campaigns look over REST."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from warehouse_admin.core.rest.fields import NullableText
from warehouse_admin.schedules import records
from warehouse_admin.schedules.canary import canary_of
from warehouse_admin.schedules.methods.cadence import cadence_given_back
from warehouse_admin.schedules.models import Campaign, CampaignItem


class CampaignPlan(serializers.ModelSerializer):
    class Meta:
        model = Campaign
        fields = ["canary_size", "wave_size", "per_minute", "stop_percent"]
        read_only_fields = fields


class CampaignRow(serializers.ModelSerializer):
    connection = serializers.CharField(source="connection.slug")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="How many views have each outcome.")
    cadence = NullableText()
    error = NullableText()
    waits_for = NullableText(source="rests_on", help_text="What it waits for now, in words.")
    plan = CampaignPlan(source="*")
    started_by = serializers.CharField(source="started_by_name")
    confirmed_by = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = Campaign
        fields = [
            "id",
            "connection",
            "action",
            "method",
            "cadence",
            "until",
            "state",
            "reason",
            "plan",
            "counts",
            "error",
            "waits_for",
            "not_before",
            "needs_second",
            "confirmed_by",
            "started_by",
            "created_at",
            "started_at",
            "paused_at",
            "finished_at",
            "followed_at",
            "url",
        ]
        read_only_fields = fields

    def get_url(self, campaign: Campaign) -> str:
        return reverse("api:resume-detail", args=[campaign.pk])

    def get_confirmed_by(self, campaign: Campaign) -> str | None:
        return campaign.confirmed_by.get_username() if campaign.confirmed_by else None


class CampaignItemRow(serializers.ModelSerializer):
    saved_query = serializers.UUIDField(source="saved_query.posthog_id")
    name = serializers.CharField(source="saved_query.name")
    detail = NullableText(source="told", help_text="What the outcome rests on, in words.")
    follow_up = NullableText(help_text="What the first scheduled run showed: ran_ok, failed_again or no_run_yet.")
    change = serializers.IntegerField(source="change_number", help_text="The change request that was opened.")
    cadence = serializers.SerializerMethodField(help_text="The one it gets back, where cadences are set again.")

    class Meta:
        model = CampaignItem
        fields = [
            "saved_query",
            "name",
            "outcome",
            "detail",
            "sent_at",
            "settled_at",
            "follow_up",
            "follow_up_at",
            "change",
            "cadence",
        ]
        read_only_fields = fields

    def get_cadence(self, item: CampaignItem) -> str | None:
        return cadence_given_back(item) or None


class CanaryRow(serializers.Serializer):
    size = serializers.IntegerField()
    proven = serializers.IntegerField()
    not_proven = serializers.IntegerField(help_text="Taken by PostHog; only their next run shows what came of it.")
    not_as_hoped = serializers.IntegerField()
    awaited = serializers.BooleanField(help_text="The rest waits for the proof; `continue` goes on without it.")
    until = serializers.DateTimeField(allow_null=True, help_text="It stops then, unless they are proven.")


class CampaignDetail(CampaignRow):
    items = serializers.SerializerMethodField()
    canary = serializers.SerializerMethodField(help_text="How the views that go first stand; null where none do.")
    follow_up = serializers.SerializerMethodField(help_text="How the first scheduled runs went; `waiting` are not due.")

    class Meta(CampaignRow.Meta):
        fields = [*CampaignRow.Meta.fields, "canary", "follow_up", "items"]
        read_only_fields = fields

    @extend_schema_field(CampaignItemRow(many=True))
    def get_items(self, campaign: Campaign) -> Any:
        return CampaignItemRow(records.items_of(campaign), many=True).data

    @extend_schema_field(CanaryRow(allow_null=True))
    def get_canary(self, campaign: Campaign) -> Any:
        found = canary_of(campaign)
        return CanaryRow(found).data if found is not None else None

    @extend_schema_field(serializers.DictField(child=serializers.IntegerField()))
    def get_follow_up(self, campaign: Campaign) -> dict[str, int]:
        return {name or "waiting": count for name, count in records.follow_ups_of(campaign).items()}

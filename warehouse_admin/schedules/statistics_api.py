"""REST: how runs have gone lately."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.rest.endpoints import Endpoint, SignedInRequest
from warehouse_admin.core.rest.fields import NullableText
from warehouse_admin.schedules.statistics import PERIODS, statistics

DAYS = OpenApiParameter("days", enum=list(PERIODS), type=int, default=PERIODS[0])
CONNECTION = OpenApiParameter("connection", description="A connection's slug; all of them without.")


class DayRow(serializers.Serializer):
    date = serializers.DateTimeField(source="at", format="%Y-%m-%d")
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    success_rate = serializers.FloatField(allow_null=True, help_text="From 0 to 1; null without a run.")


class ViewRunsRow(serializers.Serializer):
    saved_query = serializers.UUIDField()
    name = serializers.CharField()
    schedule_state = serializers.CharField()
    runs = serializers.IntegerField()
    failed = serializers.IntegerField()
    success_rate = serializers.FloatField()
    average_duration = serializers.DurationField(allow_null=True, help_text="Of the runs that completed.")
    longest_duration = serializers.DurationField(allow_null=True)


class MonthRow(serializers.Serializer):
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    success_rate = serializers.FloatField(allow_null=True)
    median_duration = serializers.DurationField(allow_null=True, help_text="Of the runs that completed.")


class TrendRow(serializers.Serializer):
    lately = MonthRow(help_text="The last 30 days.")
    before = MonthRow(help_text="The 30 days before those.")
    success_rate_trend = NullableText(
        help_text="better, worse or steady (within two points); null with fewer than 10 runs in either."
    )
    duration_trend = NullableText(
        help_text="longer, shorter or steady (within a tenth); null with fewer than 10 in either."
    )
    duration_change = serializers.FloatField(
        allow_null=True, help_text="How much longer the median run takes: 0.5 is half as long again."
    )


class StatisticsRow(serializers.Serializer):
    days = serializers.IntegerField()
    as_of = serializers.DateTimeField(help_text="Worked out anew every five minutes at most.")
    completed = serializers.IntegerField()
    failed = serializers.IntegerField()
    success_rate = serializers.FloatField(allow_null=True)
    by_day = DayRow(many=True)
    most_failing = ViewRunsRow(many=True)
    slowest = ViewRunsRow(many=True)
    trend = TrendRow(help_text="The last 30 days against the 30 before, whatever `days` says.")


class RunStatistics(Endpoint):
    """Runs of the last 7 or 30 days by day, and the views that fail most and run longest."""

    serializer_class = StatisticsRow

    @extend_schema(parameters=[DAYS, CONNECTION])
    def get(self, request: SignedInRequest) -> Response:
        days = request.query_params.get("days", str(PERIODS[0]))
        if days not in {str(known) for known in PERIODS}:
            told = f"One of {', '.join(map(str, PERIODS))}."
            raise InvalidInput(told, errors={"days": [told]})
        return self.answer(statistics(int(days), request.query_params.get("connection", "")))

"""REST: the pauses in force, and what can be done with one of them. A view has at most one, so its id names it."""

from __future__ import annotations

from typing import ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.accounts import policies
from warehouse_admin.accounts.api import connection_filter
from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.audit.targets import Target
from warehouse_admin.core.rest import filters
from warehouse_admin.core.rest.endpoints import ListEndpoint, SignedInRequest
from warehouse_admin.core.rest.fields import ExactText, NullableText
from warehouse_admin.core.rest.strict import Strict
from warehouse_admin.mirror.api import IN_CONNECTION, OfView
from warehouse_admin.schedules import pause_acts, records, services
from warehouse_admin.schedules.api.rows import CampaignRow
from warehouse_admin.schedules.holds import open_hold_of, open_holds
from warehouse_admin.schedules.models import Hold
from warehouse_admin.schedules.start import PERMISSION


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


class Wake(Strict):
    reason = ExactText()
    cadence = serializers.CharField(
        required=False, default="", allow_blank=True, help_text="Where the last cadence is not known."
    )


class OtherDate(Strict):
    until = serializers.DateTimeField(
        allow_null=True,
        help_text="When it wakes up, UTC where no offset is given, not in the past; null: when somebody resumes it.",
    )
    reason = ExactText(required=False, default="", allow_blank=True)


class OfPause(Idempotent, OfView):
    """A call about the pause of one view that is in force."""

    action: ClassVar[str]

    def hold(self, request: SignedInRequest) -> Hold:
        """Who may not act at all is told that first."""
        view = self.view()
        target = Target("saved_query", str(view.posthog_id), view.name)
        policies.require(request.user, PERMISSION, action=self.action, target=target)
        return open_hold_of(view)


class PauseWake(OfPause):
    serializer_class = CampaignRow
    action = "schedules.resume"

    @extend_schema(request=Wake, responses={202: CampaignRow}, parameters=[IN_CONNECTION])
    def post(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """Wake the schedule now: a campaign sets its cadence again; what came of it is at `url`."""
        hold = self.hold(request)
        campaign = services.wake_now(hold=hold, user=request.user, **self.clean(Wake))
        records.add_counts([campaign])
        return self.answer(campaign, status=202)


class PauseDate(OfPause):
    serializer_class = PauseRow
    action = pause_acts.DATE

    @extend_schema(request=OtherDate, responses={200: PauseRow}, parameters=[IN_CONNECTION])
    def post(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """Give the pause another wake-up date, or none; the same date changes nothing."""
        hold = self.hold(request)
        return self.answer(services.change_date(hold=hold, user=request.user, **self.clean(OtherDate)))

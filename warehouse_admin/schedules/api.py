"""REST: resume schedules in bulk, start and cancel single runs."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.accounts.api import connection_filter
from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.core.errors import Missing
from warehouse_admin.core.rest import filters
from warehouse_admin.core.rest.endpoints import Endpoint, ListEndpoint, SignedInRequest
from warehouse_admin.core.rest.fields import ExactText, NullableText
from warehouse_admin.mirror.api import IN_CONNECTION, OfView
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.schedules import selectors, services
from warehouse_admin.schedules.models import BulkResume, BulkResumeItem

MOST_VIEWS = 10_000


class ResumeRow(serializers.ModelSerializer):
    connection = serializers.CharField(source="connection.slug")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="How many views have each outcome.")
    error = NullableText()
    started_by = serializers.CharField(source="started_by.username")
    url = serializers.SerializerMethodField()

    class Meta:
        model = BulkResume
        fields = [
            "id",
            "connection",
            "state",
            "reason",
            "counts",
            "error",
            "started_by",
            "created_at",
            "started_at",
            "finished_at",
            "url",
        ]
        read_only_fields = fields

    def get_url(self, resume: BulkResume) -> str:
        return reverse("api:resume-detail", args=[resume.pk])


class ResumeItem(serializers.ModelSerializer):
    saved_query = serializers.UUIDField(source="saved_query.posthog_id")
    name = serializers.CharField(source="saved_query.name")
    detail = NullableText(help_text="What the outcome rests on, in words.")

    class Meta:
        model = BulkResumeItem
        fields = ["saved_query", "name", "outcome", "detail", "sent_at", "settled_at"]
        read_only_fields = fields


class ResumeDetail(ResumeRow):
    items = serializers.SerializerMethodField()

    class Meta(ResumeRow.Meta):
        fields = [*ResumeRow.Meta.fields, "items"]
        read_only_fields = fields

    @extend_schema_field(ResumeItem(many=True))
    def get_items(self, resume: BulkResume) -> Any:
        return ResumeItem(selectors.items_of(resume), many=True).data


class StartResume(serializers.Serializer):
    # Ids are checked by the service, which names every one that is malformed, unknown or gone.
    saved_queries = serializers.ListField(child=serializers.CharField(max_length=100), max_length=MOST_VIEWS)
    reason = ExactText()
    confirm_count = serializers.IntegerField(
        required=False, allow_null=True, default=None, help_text="The number of views, where so many need it."
    )


class Why(serializers.Serializer):
    reason = ExactText()


class Asked(serializers.ModelSerializer):
    """A write that was asked of PostHog; its end is in the audit trail."""

    saved_query = serializers.CharField(source="object_id")

    class Meta:
        model = Mutation
        fields = ["id", "kind", "state", "saved_query", "reason", "asked_at"]
        read_only_fields = fields


class ResumeStart(Idempotent, Endpoint):
    serializer_class = ResumeRow

    @extend_schema(request=StartResume, responses={202: ResumeRow})
    def post(self, request: SignedInRequest) -> Response:
        """Resume the schedules of these views in the background; one outcome for each is at `url`."""
        wanted = self.clean(StartResume)
        resume = services.start_resume(user=request.user, **wanted)
        selectors.add_counts([resume])
        return self.answer(resume, status=202)


class ResumeList(ListEndpoint):
    serializer_class = ResumeRow
    filters: ClassVar = {
        "connection": connection_filter(),
        "state": filters.choice("state", BulkResume.State.values),
    }
    searched = ("reason",)
    orderings: ClassVar = {"created_at": "created_at", "finished_at": "finished_at"}
    default_ordering = "-created_at"

    def get_queryset(self) -> QuerySet[BulkResume]:
        return selectors.campaigns()

    def prepare(self, rows: list[Any]) -> list[Any]:
        selectors.add_counts(rows)
        return rows


class OneResume(Endpoint):
    """An address of one campaign."""

    serializer_class = ResumeDetail

    def resume(self) -> BulkResume:
        found = selectors.campaigns().filter(pk=self.kwargs["resume_id"]).first()
        if found is None:
            raise Missing("There is no such resume.")
        selectors.add_counts([found])
        return found


class ResumeOne(OneResume):
    def get(self, request: SignedInRequest, resume_id: UUID) -> Response:
        return self.answer(self.resume())


class ResumeStop(Idempotent, OneResume):
    @extend_schema(request=None)
    def post(self, request: SignedInRequest, resume_id: UUID) -> Response:
        """Send no further chunk."""
        services.request_stop(resume=self.resume(), user=request.user)
        return self.answer(self.resume())


class SingleRun(Idempotent, OfView):
    """Calls about one view's run; `ask` is the service."""

    serializer_class = Asked
    ask: Any = None

    @extend_schema(request=Why, responses={202: Asked}, parameters=[IN_CONNECTION])
    def post(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        view = self.view()
        mutation = type(self).ask(user=request.user, saved_query=view, reason=self.clean(Why)["reason"])
        return self.answer(mutation, status=202)


class RunNow(SingleRun):
    """Ask PostHog to run the view now."""

    ask = staticmethod(services.run_now)


class CancelRun(SingleRun):
    """Ask PostHog to cancel the view's run."""

    ask = staticmethod(services.cancel_run)

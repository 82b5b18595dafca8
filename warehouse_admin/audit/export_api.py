"""REST: the caller's own exports of the audit trail."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.audit import export_texts, export_views, exports, selectors
from warehouse_admin.audit.models import Export
from warehouse_admin.core.rest import filters
from warehouse_admin.core.rest.endpoints import Endpoint, ListEndpoint, SignedInRequest


class AskExport(serializers.Serializer):
    format = serializers.ChoiceField(choices=Export.Format.choices)
    filters: Any = serializers.DictField(
        child=serializers.CharField(),
        default=dict,
        help_text=f"As the list takes them: {', '.join(selectors.FILTERS)}.",
    )
    unmasked = serializers.BooleanField(default=False, help_text="With addresses and e-mails; auditors only.")
    reason = serializers.CharField(default="", allow_blank=True, help_text="Required for one that is not masked.")

    def validate_filters(self, given: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(set(given) - set(selectors.FILTERS)):
            raise serializers.ValidationError(
                f"There is no filter {unknown[0][:60]}; use {', '.join(selectors.FILTERS)}."
            )
        return given


class ExportRow(serializers.Serializer):
    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=Export.State.choices)
    format = serializers.ChoiceField(choices=Export.Format.choices)
    filters: Any = serializers.DictField()
    masked = serializers.BooleanField(source="is_masked")
    reason = serializers.CharField()
    asked_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField(allow_null=True, help_text="When the file is cleared away.")
    progress = serializers.SerializerMethodField()
    size = serializers.IntegerField()
    sha256 = serializers.CharField()
    error = serializers.CharField()
    url = serializers.SerializerMethodField()
    file = serializers.SerializerMethodField()

    def get_progress(self, export: Export) -> dict[str, int | None]:
        return {"done": export.done, "total": export.total, "seconds_left": export_texts.seconds_left(export)}

    def get_url(self, export: Export) -> str:
        return reverse("api:audit-export", args=[export.pk])

    def get_file(self, export: Export) -> str | None:
        return reverse("api:audit-export-file", args=[export.pk]) if export.is_there else None


class ExportList(ListEndpoint):
    serializer_class = ExportRow
    filters: ClassVar = {
        "state": filters.choice("state", Export.State.values),
        "format": filters.choice("format", Export.Format.values),
    }
    orderings: ClassVar = {"asked_at": "asked_at"}
    default_ordering = "-asked_at"

    def get_queryset(self) -> QuerySet[Export]:
        return exports.exports_of(self.request.user)

    @extend_schema(request=AskExport, responses={202: ExportRow})
    def post(self, request: SignedInRequest) -> Response:
        """Ask for the entries that the filters find, as far as the caller may read them; written in the background."""
        wanted = self.clean(AskExport)
        unmasked = wanted.pop("unmasked")
        return self.answer(exports.ask(user=request.user, masked=not unmasked, **wanted), status=202)


class OneExport(Endpoint):
    serializer_class = ExportRow

    def get(self, request: SignedInRequest, export_id: UUID) -> Response:
        return self.answer(exports.get(request.user, export_id))


class StopExport(Endpoint):
    serializer_class = ExportRow

    @extend_schema(request=None)
    def post(self, request: SignedInRequest, export_id: UUID) -> Response:
        export = exports.get(request.user, export_id)
        exports.stop(export, user=request.user)
        return self.answer(export)


class ExportFile(Endpoint):
    """The file, for whoever asked for it."""

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request: SignedInRequest, export_id: UUID) -> StreamingHttpResponse:
        return export_views.file_of(exports.get(request.user, export_id), request.user)

"""REST: user interviews. They are personal data: whoever may not read them gets 403."""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from warehouse_admin.accounts.api import connection_filter, named_connection
from warehouse_admin.accounts.idempotency import HEADER, Idempotent
from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.errors import InvalidInput
from warehouse_admin.core.rest import filters
from warehouse_admin.core.rest.endpoints import Endpoint, ListEndpoint, SignedInRequest
from warehouse_admin.interviews import policies, selectors, services
from warehouse_admin.interviews.models import Interview
from warehouse_admin.interviews.recordings import ToDisk
from warehouse_admin.interviews.serializers import (
    Delete,
    Edit,
    InterviewDetail,
    InterviewRow,
    Unchanged,
    Upload,
    WriteRow,
)

IN_CONNECTION = OpenApiParameter("connection", description="A connection's slug, should two know the id.")
TAKEN = ("audio", "interviewee_emails", "connection")
DELETED = filters.conditions(
    {"only": Q(deleted_at__isnull=False), "any": Q()},
    "Tombstones: interviews that PostHog no longer has. Left out unless asked for.",
    absent=Q(deleted_at=None),
)


class InterviewList(Idempotent, ListEndpoint):
    serializer_class = InterviewRow
    filters: ClassVar = {
        "connection": connection_filter(),
        "deleted": DELETED,
        "created_by": filters.text("created_by_email"),
        "since": filters.moment("remote_created_at__gte"),
        "until": filters.moment("remote_created_at__lt"),
    }
    searched = selectors.SEARCHED
    orderings: ClassVar = {
        "created_at": "remote_created_at",
        "created_by": "created_by_email",
        "synced_at": "synced_at",
    }
    default_ordering = "-created_at"

    def get_parsers(self) -> list[Any]:
        return [*super().get_parsers(), MultiPartParser()]

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        if request.method == "POST":
            request.upload_handlers = [ToDisk(request)]
        return super().initialize_request(request, *args, **kwargs)

    def check_permissions(self, request: Request) -> None:
        """Before a byte of the body is read."""
        super().check_permissions(request)
        if request.method == "POST":
            policies.require_write(request.user, "interview.create")

    def get_queryset(self) -> QuerySet[Interview]:
        return selectors.rows(self.request.user)

    @extend_schema(request={"multipart/form-data": Upload}, responses={202: WriteRow})
    def post(self, request: SignedInRequest) -> Response:
        """Upload a recording. PostHog transcribes it for minutes: `url` tells how far it has come."""
        data: Any = request.data if isinstance(request.data, dict) else {}
        write = services.create(
            user=request.user,
            connection=_connection(data.get("connection", "")),
            recording=request.FILES.get("audio"),
            emails=_emails(data),
            key=_key(request),
        )
        return Response(WriteRow(write).data, status=202)


class InterviewOne(Idempotent, Endpoint):
    serializer_class = InterviewDetail
    keyed_methods = frozenset({"PATCH", "DELETE"})

    def interview(self) -> Interview:
        slug = self.request.query_params.get("connection", "")
        return selectors.interview_by_id(self.request.user, self.kwargs["posthog_id"], slug)

    @extend_schema(parameters=[IN_CONNECTION])
    def get(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        return self.answer(self.interview())

    @extend_schema(request=Edit, responses={200: Unchanged, 202: WriteRow}, parameters=[IN_CONNECTION])
    def patch(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """Change summary or addresses in the background; 200 where PostHog has it so already."""
        interview, given = self.interview(), self.clean(Edit)
        write = services.edit(
            user=request.user,
            interview=interview,
            summary=given.get("summary"),
            emails=given.get("interviewee_emails"),
            seen=given.get("seen", ""),
            reason=given.get("reason", ""),
        )
        if write is None:
            return Response(Unchanged(interview).data)
        return Response(WriteRow(write).data, status=202)

    @extend_schema(request=Delete, responses={202: WriteRow}, parameters=[IN_CONNECTION])
    def delete(self, request: SignedInRequest, posthog_id: UUID) -> Response:
        """Delete an interview for good: `confirm` repeats its id."""
        interview, given = self.interview(), self.clean(Delete)
        write = services.delete(user=request.user, interview=interview, **given)
        return Response(WriteRow(write).data, status=202)


class WriteOne(Endpoint):
    """How far an upload, an edit or a deletion has come."""

    serializer_class = WriteRow

    def get(self, request: SignedInRequest, write_id: UUID) -> Response:
        return self.answer(selectors.write_by_id(request.user, write_id))


def _emails(data: Any) -> list[str]:
    """Each of the repeated fields; a JSON body may have a list, so that its refusal is about the recording."""
    strange = [name for name in data if name not in TAKEN]
    if strange:
        told = f"There is no such field here; this takes {', '.join(f'`{one}`' for one in TAKEN)}."
        raise InvalidInput(told, errors={name[:60]: [told] for name in strange[:10]})
    found = data.getlist("interviewee_emails") if hasattr(data, "getlist") else data.get("interviewee_emails") or []
    return [str(one) for one in found] if isinstance(found, list) else [str(found)]


def _connection(slug: str) -> Connection:
    found = named_connection(slug)
    if found is None:
        told = "There are several connections, or none: name one by its slug."
        raise InvalidInput(told, errors={"connection": [told]})
    return found


def _key(request: Request) -> str:
    """The key also names the upload, so that a repetition finds it even where the first answer was never kept."""
    return request.headers.get(HEADER, "")

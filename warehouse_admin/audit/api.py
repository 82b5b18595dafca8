"""REST: the audit trail, as much of it as the caller may read."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Count, Max, Min, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from warehouse_admin.audit import checkpoints, policies, presenters, selectors
from warehouse_admin.audit.models import AuditEntry, Checkpoint, SigningKey
from warehouse_admin.core.errors import InvalidInput, Missing
from warehouse_admin.core.rest.endpoints import Endpoint, ListEndpoint, SignedInRequest
from warehouse_admin.core.rest.filters import refuse_unknown, values_of
from warehouse_admin.core.rest.pagination import Pagination

COUNTED_EXACTLY = 10_000
"""Up to so many entries are counted; of more, the number is estimated from how densely they lie in the trail."""
FILTERS = {
    "object": "The id of an object, or a part of its name.",
    "actor": "The user name.",
    "action": "`change.approved`; with a dot at the end all actions of that kind: `change.`.",
    "result": ", ".join(AuditEntry.Result.values),
    "since": "An ISO date or date and time; `7d` for the last seven days, of which today is one.",
    "until": "An ISO date, which is included, or a date and time.",
    "request_id": "Everything that one click or call did.",
    "connection": "The slug of a connection.",
}
LEFT_OUT = " A minus before it leaves out what it names, also several: `-sync.started,-sync.finished`."
ORDERINGS = {"-sequence": "-sequence", "sequence": "sequence", "-at": "-sequence", "at": "sequence"}


class AuditObject(serializers.Serializer):
    type = serializers.CharField()
    id = serializers.CharField(help_text="The remote id where there is one.")
    name = serializers.CharField()


class AuditRow(serializers.Serializer):
    """One entry; `hash` covers all of it and `prev_hash`."""

    sequence = serializers.IntegerField()
    at = serializers.DateTimeField()
    actor = serializers.CharField(help_text="The user name; `system` for what nobody asked for.")
    actor_kind = serializers.ChoiceField(choices=AuditEntry.ActorKind.choices)
    token = serializers.CharField(allow_null=True, help_text="The name of the API token that was used.")
    action = serializers.CharField()
    connection = serializers.CharField(allow_null=True)
    object = AuditObject()
    result = serializers.ChoiceField(choices=AuditEntry.Result.choices)
    reason = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField(allow_null=True)
    remote = serializers.JSONField(allow_null=True, help_text="What was sent to PostHog and what came back.")
    request_id = serializers.CharField()
    ip = serializers.CharField(allow_null=True)
    prev_hash = serializers.CharField()
    hash = serializers.CharField()

    def to_representation(self, entry: AuditEntry) -> dict[str, Any]:
        return presenters.as_dict(entry)


class CheckpointRow(serializers.Serializer):
    """A signed statement about the chain. The signature covers the canonical JSON of everything but itself."""

    version = serializers.IntegerField()
    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    sequence = serializers.IntegerField(help_text="The last entry there was.")
    hash = serializers.CharField(help_text="That entry's hash.")
    count = serializers.IntegerField(help_text="How many entries there were.")
    key_id = serializers.CharField()
    previous = serializers.CharField(help_text="SHA-256 of what the checkpoint before this one signed.")
    signature = serializers.CharField(help_text="Ed25519, in base64.")

    def to_representation(self, checkpoint: Checkpoint) -> dict[str, Any]:
        return checkpoints.as_dict(checkpoint)


class PublicKeyRow(serializers.Serializer):
    key_id = serializers.CharField(help_text="The first 16 hexadecimal digits of the key's SHA-256.")
    public_key = serializers.CharField(help_text="Ed25519, 32 bytes in base64.")
    created_at = serializers.DateTimeField()
    retired_at = serializers.DateTimeField(allow_null=True)


class TrailPages(Pagination):
    """Never counts more than COUNTED_EXACTLY entries; says so when `count` is an estimate."""

    is_estimate = False
    has_more = False

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.read(request)
        rows = list(queryset[self.offset : self.offset + self.limit + 1])
        self.has_more = len(rows) > self.limit
        if view.whole_trail:
            self.count = selectors.chain_length() - selectors.archived_count()
        else:
            self.count, self.is_estimate = estimated_count(queryset)
        if self.is_estimate:
            self.count = max(self.count, self.offset + len(rows))
        return rows[: self.limit]

    def get_next_link(self) -> str | None:
        if not self.has_more:
            return None
        self.count = max(self.count, self.offset + self.limit + 1)
        return super().get_next_link()

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        response.data["count_is_estimate"] = self.is_estimate
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        described = super().get_paginated_response_schema(schema)
        described["properties"]["count_is_estimate"] = {"type": "boolean"}
        described["required"] = [*described["required"], "count_is_estimate"]
        return described


def estimated_count(entries: QuerySet[AuditEntry]) -> tuple[int, bool]:
    """How many entries there are, and whether that is an estimate."""
    newest = entries.order_by("-sequence").values("sequence")[: COUNTED_EXACTLY + 1]
    found = newest.aggregate(n=Count("sequence"), low=Min("sequence"), high=Max("sequence"))
    if found["n"] <= COUNTED_EXACTLY:
        return found["n"], False
    density = found["n"] / (found["high"] - found["low"] + 1)
    return found["n"] + round(density * (found["low"] - 1)), True


def _turned(name: str) -> str:
    return LEFT_OUT if name in selectors.LEAVING_OUT else ""


class AuditList(Endpoint):
    """Entries, the newest first. Whoever may not read the whole trail sees their own."""

    serializer_class = AuditRow
    pagination_class = TrailPages

    @property
    def whole_trail(self) -> bool:
        """Whether every entry there is was asked for, by somebody who may read them."""
        filtered = any(self.request.query_params.get(name) for name in (*FILTERS, "search"))
        return not filtered and policies.sees_all(self.request.user)

    @extend_schema(
        parameters=[
            *(OpenApiParameter(name, description=f"{told}{_turned(name)}") for name, told in FILTERS.items()),
            OpenApiParameter("search", description="A part of the reason."),
            OpenApiParameter("ordering", enum=list(ORDERINGS), description="By default `-sequence`."),
        ],
        responses=AuditRow(many=True),
    )
    def get(self, request: SignedInRequest) -> Response:
        page = self.paginate_queryset(_found(request))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class AuditOne(Endpoint):
    serializer_class = AuditRow

    def get(self, request: SignedInRequest, sequence: int) -> Response:
        entries = selectors.entries_for(request.user, sees_all=policies.sees_all(request.user))
        entry = entries.filter(sequence=sequence).first() if sequence < 2**63 else None
        if entry is None:
            raise Missing("There is no such entry, or it is not yours to read.")
        return self.answer(entry)


class ForAuditors(ListEndpoint):
    """A list for those who may read the whole trail."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        policies.require_sees_all(request.user, action="audit.checkpoints_read")


class CheckpointList(ForAuditors):
    """Signed checkpoints, the newest first: keep copies where nobody who runs the portal can reach them."""

    serializer_class = CheckpointRow
    queryset = Checkpoint.objects.all()
    orderings: ClassVar = {"number": "number"}
    default_ordering = "-number"


class PublicKeyList(ForAuditors):
    """The public half of every key that ever signed a checkpoint."""

    serializer_class = PublicKeyRow
    queryset = SigningKey.objects.defer("private_key")
    orderings: ClassVar = {"created_at": "created_at"}
    default_ordering = "-created_at"


def _found(request: SignedInRequest) -> QuerySet[AuditEntry]:
    refuse_unknown(request, FILTERS)
    problems: dict[str, list[str]] = {}
    entries = selectors.entries_for(request.user, sees_all=policies.sees_all(request.user))
    for name in FILTERS:
        values = values_of(request, name)
        if len(values) > 1:
            problems[name] = ["Give it once."]
        elif values:
            entries, found = selectors.filtered(entries, {name: values[0]})
            if found:
                problems[name] = found
    entries, _ = selectors.filtered(entries, {"q": request.query_params.get("search", "")})
    ordering = request.query_params.get("ordering") or "-sequence"
    if ordering not in ORDERINGS:
        problems["ordering"] = [f"Order by one of {', '.join(ORDERINGS)}."]
    if problems:
        name = next(iter(problems))
        raise InvalidInput(f"{name}: {problems[name][0]}", errors=problems)
    return entries.order_by(ORDERINGS[ordering])

"""REST: change requests, from the proposal to the roll-back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from warehouse_admin.accounts.api import connection_filter, named_connection
from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.selectors import CONNECTION_UNREAD
from warehouse_admin.changes import presenters, selectors, serializers, services
from warehouse_admin.changes.evidence import services as evidence
from warehouse_admin.changes.evidence.answer import archive
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import InvalidInput, Missing
from warehouse_admin.core.rest import filters
from warehouse_admin.core.rest.endpoints import Endpoint, ListEndpoint, SignedInRequest
from warehouse_admin.mirror import selectors as mirror
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable

_UNREAD: tuple[str, ...] = (*CONNECTION_UNREAD, "saved_query__query", "saved_query__columns", "table__columns")
_UNREAD += tuple(f"mutation__{name}" for name in ("base", "payload", "before", "after"))


class ChangeList(Idempotent, ListEndpoint):
    serializer_class = serializers.ChangeDetail
    filters: ClassVar = {
        "connection": connection_filter(),
        "state": filters.choice("state", ChangeRequest.State.values),
        "action": filters.choice("action", ChangeRequest.Action.values),
        "author": filters.text("author__username", "The user name."),
        "saved_query": filters.identifier("saved_query__posthog_id"),
        "table": filters.identifier("table__posthog_id"),
    }
    searched = ("object_name", "reason", "author__username")
    orderings: ClassVar = {
        "number": "pk",
        "state_changed_at": "state_changed_at",
        "created_at": "created_at",
        "state": "state",
        "author": "author__username",
    }
    default_ordering = "-number"

    def get_queryset(self) -> QuerySet[ChangeRequest]:
        rows = selectors.visible_to(self.request.user).select_related(
            "saved_query", "table", "author", "connection", "mutation"
        )
        return selectors.with_all_shown(rows.defer(*_UNREAD))

    def prepare(self, rows: Any) -> Any:
        return presenters.list_dicts(rows, self.request.user)

    @extend_schema(request=serializers.NewChange, responses={201: serializers.ChangeDetail})
    def post(self, request: SignedInRequest) -> Response:
        """Propose a change of a view or a table, or a new one."""
        wanted = self.clean(serializers.NewChange)
        about: dict[str, Any] = {}
        if "saved_query" in wanted:
            about["saved_query"] = _named(wanted.pop("saved_query"), "saved_query", "view", mirror.view_by_id)
        if "table" in wanted:
            about["table"] = _named(wanted.pop("table"), "table", "table", mirror.table_by_id)
        connection = named_connection(wanted.pop("connection", ""))
        change = services.create(author=request.user, **about, connection=connection, **wanted)
        return shown(change.pk, request, status=201)


class ChangeOne(Endpoint):
    serializer_class = serializers.ChangeDetail

    def get(self, request: SignedInRequest, number: int) -> Response:
        return shown(number, request)


def step(body: type[BaseSerializer]) -> Any:
    """Describe what a step takes."""
    return extend_schema_view(post=extend_schema(request=body))


class Step(Idempotent, Endpoint):
    """A call that moves a change: `body` describes what it takes, `take` calls the service."""

    serializer_class = serializers.ChangeDetail
    body: type[BaseSerializer] = serializers.Comment

    def post(self, request: SignedInRequest, number: int) -> Response:
        change = found(number, request)
        self.take(change, request, self.clean(self.body))
        return shown(number, request)

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        raise NotImplementedError


@step(serializers.Comment)
class Submit(Step):
    """Hand a draft to the reviewers."""

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.submit(change, request.user)


@step(serializers.VoteBody)
class Approve(Step):
    """Vote for the change; needs the browser session. The last needed approval may apply it."""

    body = serializers.VoteBody

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.approve(change, request.user, **wanted)


@step(serializers.VoteBody)
class RequestChanges(Step):
    """Send it back to its author; needs the browser session."""

    body = serializers.VoteBody

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.request_changes(change, request.user, **wanted)


@step(serializers.Comment)
class ReRequest(Step):
    """Ask the reviewers to look again; what they asked for still stands in the way."""

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.re_request(change, request.user, **wanted)


@step(serializers.Dismissed)
class Dismiss(Step):
    """Lift a request for changes; needs the browser session, and a comment for somebody else's."""

    body = serializers.Dismissed

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        name = wanted.get("voter") or request.user.get_username()
        voter = User.objects.filter(username=name).first()
        if voter is None:
            told = f"There is nobody called “{name[:60]}”."
            raise InvalidInput(told, errors={"voter": [told]})
        return services.dismiss(change, request.user, voter, wanted["comment"])


@step(serializers.Comment)
class AddComment(Step):
    """Say something about it, whatever its state."""

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.comment(change, request.user, wanted["comment"])


@step(serializers.CoAuthors)
class SetCoAuthors(Step):
    """Add or remove people who edit it beside its author, by user name; an approval of theirs is given up."""

    body = serializers.CoAuthors

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.set_co_authors(change, request.user, **wanted)


@step(serializers.Comment)
class Reopen(Step):
    """Make a draft again of what was withdrawn, rejected or expired within 30 days; earlier votes are gone."""

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.reopen(change, request.user)


@step(serializers.Comment)
class Reject(Step):
    """Close it for good; needs the browser session."""

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.reject(change, request.user, **wanted)


@step(serializers.Comment)
class Withdraw(Step):
    """Take it back."""

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.withdraw(change, request.user, **wanted)


@step(serializers.Revised)
class Revise(Step):
    """Save an edited proposal; a real edit voids the votes."""

    body = serializers.Revised

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.revise(change, request.user, **wanted)


@step(serializers.Comment)
class Apply(Step):
    """Send an approved change to PostHog now."""

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.apply(change, request.user)


@step(serializers.Scheduled)
class Schedule(Step):
    """Have an approved change applied at a time, or with null at none.

    A time without an offset is UTC; `scheduled_for` of the answer is the moment that was understood, in UTC.
    """

    body = serializers.Scheduled

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        if wanted["at"] is None:
            return services.unschedule(change, request.user)
        return services.schedule(change, request.user, wanted["at"])


@step(serializers.Decided)
class Decide(Step):
    """Tell whether an unconfirmed create made one of `mutation.candidates`, or nothing, where PostHog cannot."""

    body = serializers.Decided

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        made = str(wanted["made"]) if wanted["made"] else None
        return services.decide(change, request.user, made=made, comment=wanted["comment"])


@step(serializers.Rebased)
class Rebase(Step):
    """Put the proposal, edited to fit, on top of what PostHog holds now, or in its place."""

    body = serializers.Rebased

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        agreed = wanted.get("agreed")
        if wanted["replace_remote"]:
            return services.replace_remote(change, request.user, agreed=agreed, reason=wanted["reason"])
        return services.rebase(change, request.user, wanted.get("query"), agreed=agreed, reason=wanted["reason"])


@step(serializers.Comment)
class Drop(Step):
    """Give a conflicting change up in favour of what PostHog holds."""

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.drop_mine(change, request.user)


class CarryOver(Idempotent, Endpoint):
    serializer_class = serializers.ChangeDetail

    @extend_schema(request=None, responses={201: serializers.ChangeDetail})
    def post(self, request: SignedInRequest, number: int) -> Response:
        """Propose the same for the view that came in place of a deleted one; answers with the new change."""
        made = services.carry_over(found(number, request), request.user)
        return shown(made.pk, request, status=201)


class Evidence(Endpoint):
    """The evidence pack as a ZIP archive, for those who may read the whole trail; each download is on record."""

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: SignedInRequest, number: int) -> HttpResponse:
        return archive(evidence.download(found(number, request), request.user))


class Rollback(Idempotent, Endpoint):
    serializer_class = serializers.ChangeDetail

    @extend_schema(request=serializers.RolledBack, responses={201: serializers.ChangeDetail})
    def post(self, request: SignedInRequest, number: int) -> Response:
        """Propose the text that PostHog held before; answers with the new change."""
        wanted = self.clean(serializers.RolledBack)
        undone = services.rollback(found(number, request), request.user, **wanted)
        return shown(undone.pk, request, status=201)


def found(number: int, request: SignedInRequest) -> ChangeRequest:
    """The change of this number, if the caller may see it."""
    if number >= 2**63:
        raise Missing(f"There is no change #{number}.")
    return selectors.detail(number, request.user)


def shown(number: int, request: SignedInRequest, *, status: int = 200) -> Response:
    """The change as it is now."""
    return Response(presenters.detail_dict(found(number, request), request.user), status=status)


def _named(text: str, field: str, noun: str, find: Callable[[UUID], SavedQuery | WarehouseTable]) -> Any:
    """The view or table of the id in this field."""
    try:
        return find(UUID(text))
    except ValueError:
        told = f"“{text[:60]}” is no id of a {noun}."
    except Missing as error:
        told = error.message
    raise Missing(told, errors={field: [told]})

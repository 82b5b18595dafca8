"""REST: threads about lines of a change, and the suggestions in them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.changes import services, talks, threads
from warehouse_admin.changes.api import Step, found, step
from warehouse_admin.changes.models import ChangeRequest, Thread, ThreadComment
from warehouse_admin.changes.threads import Said
from warehouse_admin.core.rest import filters
from warehouse_admin.core.rest.endpoints import Endpoint, ListEndpoint, SignedInRequest
from warehouse_admin.core.rest.fields import ExactText

DECISIONS = ["open", *[value for value in ThreadComment.Decision.values if value]]


class Place(serializers.Serializer):
    revision = serializers.IntegerField()
    line = serializers.IntegerField()
    to = serializers.IntegerField()


class CommentOnLines(serializers.Serializer):
    id = serializers.IntegerField()
    author = serializers.CharField(help_text="The user name.")
    at = serializers.DateTimeField()
    text = serializers.CharField(allow_blank=True)
    suggestion = serializers.CharField(
        allow_null=True, allow_blank=True, help_text="The text suggested for the lines; empty: they go; null: none is."
    )
    decision = serializers.ChoiceField(choices=DECISIONS, allow_null=True, help_text="Null where nothing is suggested.")
    decided_by = serializers.CharField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    accepted_in = serializers.IntegerField(allow_null=True, help_text="The revision that took it in.")


class ThreadDetail(serializers.Serializer):
    """A talk about some lines of one revision."""

    id = serializers.IntegerField()
    revision = serializers.IntegerField(help_text="On which it was opened.")
    side = serializers.ChoiceField(choices=Thread.Side.choices)
    line = serializers.IntegerField(help_text="The first line there, counted from 1.")
    to = serializers.IntegerField(help_text="The last one.")
    quoted = serializers.CharField(allow_blank=True, help_text="The lines as they were; very long ones are cut.")
    now = Place(allow_null=True, help_text="Where they stand in the newest revision; null where they changed or went.")
    opened_by = serializers.CharField()
    opened_at = serializers.DateTimeField()
    resolved = serializers.BooleanField()
    resolved_by = serializers.CharField(allow_null=True)
    resolved_at = serializers.DateTimeField(allow_null=True)
    comments = CommentOnLines(many=True)


class SaidBody(serializers.Serializer):
    comment = ExactText(required=False, default="", help_text="Needed unless something is suggested.")
    suggestion = ExactText(
        required=False, allow_null=True, default=None, help_text="A text for the lines; empty to take them out."
    )

    @staticmethod
    def said(wanted: dict[str, Any]) -> Said:
        return Said(wanted["comment"], wanted["suggestion"])


class NewThread(SaidBody):
    revision = serializers.IntegerField(help_text="The revision that was read; an older one may be talked about too.")
    side = serializers.ChoiceField(choices=Thread.Side.choices, default=Thread.Side.PROPOSAL)
    line = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    to = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="The last line; by default the same."
    )


class Accepted(serializers.Serializer):
    suggestions = serializers.ListField(
        child=serializers.IntegerField(min_value=1), min_length=1, max_length=100, help_text="Ids of comments."
    )
    revision = serializers.IntegerField(help_text="The revision that was read; an older one is 409.")


class ThreadList(Idempotent, ListEndpoint):
    serializer_class = ThreadDetail
    filters: ClassVar = {
        "resolved": filters.conditions({"true": Q(resolved_at__isnull=False), "false": Q(resolved_at=None)})
    }
    orderings: ClassVar = {"id": "pk"}
    default_ordering = "id"

    def get_queryset(self) -> QuerySet[Thread]:
        rows = Thread.objects.select_related("opened_by", "resolved_by")
        return rows.filter(change=found(self.kwargs["number"], self.request))

    def prepare(self, rows: Any) -> Any:
        return talks.dicts_of(found(self.kwargs["number"], self.request), rows)

    @extend_schema(request=NewThread, responses={201: ThreadDetail})
    def post(self, request: SignedInRequest, number: int) -> Response:
        """Open a thread about lines of a text that the change proposes, or of its base."""
        change, wanted = found(number, request), self.clean(NewThread)
        place = (wanted["line"], wanted.get("to") or wanted["line"])
        where = {"revision": wanted["revision"], "side": wanted["side"], "place": place}
        thread = services.open_thread(change, request.user, SaidBody.said(wanted), **where)
        return shown(number, thread.pk, request, status=201)


class ThreadOne(Endpoint):
    serializer_class = ThreadDetail

    def get(self, request: SignedInRequest, number: int, thread: int) -> Response:
        return shown(number, thread, request)


class ThreadStep(Idempotent, Endpoint):
    """A call about a thread: `say` is the service. It answers with the thread."""

    serializer_class = ThreadDetail
    say: Any

    @extend_schema(request=SaidBody)
    def post(self, request: SignedInRequest, number: int, thread: int) -> Response:
        said = SaidBody.said(self.clean(SaidBody))
        type(self).say(found(number, request), request.user, thread, said)
        return shown(number, thread, request)


class Reply(ThreadStep):
    """Say more in a thread."""

    say = staticmethod(services.reply_in_thread)


class Resolve(ThreadStep):
    """Call it settled: its opener, the author, co-authors and reviewers may; with a last word if there is one."""

    say = staticmethod(services.resolve_thread)


class Reopen(ThreadStep):
    """Call it unsettled again."""

    say = staticmethod(services.reopen_thread)


@step(Accepted)
class AcceptSuggestions(Step):
    """Take suggestions into one new revision; whoever made them cannot approve it. All of them, or none."""

    body = Accepted

    def take(self, change: ChangeRequest, request: SignedInRequest, wanted: dict[str, Any]) -> Any:
        return services.accept_suggestions(change, request.user, wanted["suggestions"], revision=wanted["revision"])


class DeclineSuggestion(Idempotent, Endpoint):
    serializer_class = ThreadDetail

    @extend_schema(request=None)
    def post(self, request: SignedInRequest, number: int, suggestion: int) -> Response:
        """Say no to a suggestion; no reason is needed. Answers with its thread."""
        thread = services.decline_suggestion(found(number, request), request.user, suggestion)
        return shown(number, thread.pk, request)


def shown(number: int, key: int, request: SignedInRequest, *, status: int = 200) -> Response:
    """The thread as it is now."""
    change = found(number, request)
    thread = threads.thread_of(change, key)
    return Response(talks.dicts_of(change, [thread])[0], status=status)

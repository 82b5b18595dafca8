"""REST: everything that a person can do with what happened, as the pages do it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.activity import selectors, services
from warehouse_admin.activity.api import EntryDetail, entry
from warehouse_admin.activity.filters import Filters
from warehouse_admin.activity.meter import meter
from warehouse_admin.activity.models import REVIEWS, ActivityEntry, SavedSearch
from warehouse_admin.activity.searches import searches_of
from warehouse_admin.core.rest.endpoints import Endpoint, ListEndpoint, SignedInRequest
from warehouse_admin.core.rest.fields import ExactText


class NoteBody(serializers.Serializer):
    note = ExactText(required=False, default="")


class AskBody(serializers.Serializer):
    question = ExactText()


class AnswerBody(serializers.Serializer):
    answer = ExactText()


class AssignBody(serializers.Serializer):
    assignee = ExactText(help_text="A user name; empty gives it back to everybody.")


class SnoozeBody(serializers.Serializer):
    until = serializers.DateTimeField(help_text="With its offset; at most 90 days ahead.")


class _Deed(Idempotent, Endpoint):
    """One entry, one deed; the answer is the entry as it is then."""

    serializer_class = EntryDetail

    def deal(self, user: Any, found: ActivityEntry) -> None:
        raise NotImplementedError

    def post(self, request: SignedInRequest, entry_id: int) -> Response:
        self.deal(request.user, entry(entry_id))
        return self.answer(entry(entry_id))


@extend_schema(request=NoteBody)
class Adopt(_Deed):
    """Take an outside change as the agreed baseline."""

    def deal(self, user: Any, found: ActivityEntry) -> None:
        services.adopt(user=user, entry=found, note=self.clean(NoteBody)["note"])


@extend_schema(request=NoteBody)
class Revert(_Deed):
    """Draft the change that puts back what was before; its number is in `revert`."""

    def deal(self, user: Any, found: ActivityEntry) -> None:
        services.open_revert(user=user, entry=found, note=self.clean(NoteBody)["note"])


@extend_schema(request=AskBody)
class Ask(_Deed):
    """Ask the author."""

    def deal(self, user: Any, found: ActivityEntry) -> None:
        services.ask(user=user, entry=found, text=self.clean(AskBody)["question"])


@extend_schema(request=AnswerBody)
class Answer(_Deed):
    """Answer the open question, as its author or for them."""

    def deal(self, user: Any, found: ActivityEntry) -> None:
        services.answer(user=user, entry=found, text=self.clean(AnswerBody)["answer"])


@extend_schema(request=AssignBody)
class Assign(_Deed):
    """Give an entry to somebody who may review activity."""

    def deal(self, user: Any, found: ActivityEntry) -> None:
        services.assign(user=user, entry=found, to=self.clean(AssignBody)["assignee"])


@extend_schema(request=SnoozeBody)
class Snooze(_Deed):
    """Let an entry rest; it comes back by itself."""

    def deal(self, user: Any, found: ActivityEntry) -> None:
        services.snooze(user=user, entry=found, until=self.clean(SnoozeBody)["until"])


@extend_schema(request=None)
class Reopen(_Deed):
    """Unreviewed again."""

    def deal(self, user: Any, found: ActivityEntry) -> None:
        services.reopen(user=user, entry=found)


class BulkBody(serializers.Serializer):
    """Either `entries`, or `matching` with `seen_at` and `total`; either a `verdict`, or an `assignee`."""

    entries = serializers.ListField(child=serializers.IntegerField(), required=False)
    matching = ExactText(required=False, help_text="The query string of the page: folder and filters.")
    seen_at = serializers.DateTimeField(
        required=False, help_text="What came in, or was decided by others, later is left alone."
    )
    total = serializers.IntegerField(required=False, min_value=0, help_text="How many you saw; more are refused.")
    verdict = serializers.ChoiceField(choices=REVIEWS, required=False)
    note = ExactText(required=False, default="")
    assignee = ExactText(required=False)

    def validate(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if ("entries" in wanted) == ("matching" in wanted):
            raise serializers.ValidationError({"entries": ["Send either entries or matching."]})
        if "matching" in wanted and not {"seen_at", "total"} <= wanted.keys():
            raise serializers.ValidationError({"seen_at": ["Say when you looked and how many (total) you saw."]})
        if ("verdict" in wanted) == ("assignee" in wanted):
            raise serializers.ValidationError({"verdict": ["Send either a verdict or an assignee."]})
        return wanted


class Done(serializers.Serializer):
    entries = serializers.ListField(child=serializers.IntegerField(), help_text="The ids of those that differ now.")


class _Many(Idempotent, Endpoint):
    serializer_class = Done

    def done(self, entries: list[ActivityEntry]) -> Response:
        return self.answer({"entries": [one.pk for one in entries]})


class Bulk(_Many):
    """One verdict and note, or one person, for many entries: all or none."""

    @extend_schema(request=BulkBody)
    def post(self, request: SignedInRequest) -> Response:
        wanted, user = self.clean(BulkBody), request.user
        keys = _keys(user, wanted)
        if "assignee" in wanted:
            return self.done(services.assign_keys(user=user, keys=keys, to=wanted["assignee"]))
        said = {"verdict": wanted["verdict"], "note": wanted["note"], "seen_at": wanted.get("seen_at")}
        return self.done(services.review_keys(user=user, keys=keys, **said))


def _keys(user: Any, wanted: dict[str, Any]) -> list[int]:
    if "entries" in wanted:
        return services.chosen(services.resolve(map(str, wanted["entries"])))
    return services.keys_of(user, services.Matching(wanted["matching"], wanted["seen_at"], wanted["total"]))


class Undo(_Many):
    """Take back what you did last, within ten minutes and if nobody has dealt with it since."""

    @extend_schema(request=None)
    def post(self, request: SignedInRequest) -> Response:
        return self.done(services.undo(user=request.user))


class MeterBody(serializers.Serializer):
    percent = serializers.IntegerField(allow_null=True, help_text="Null: nothing was due.")
    oldest_hours = serializers.IntegerField(allow_null=True, help_text="Null: nothing waits.")
    reviewed = serializers.IntegerField()
    late = serializers.IntegerField()
    counted = serializers.CharField(help_text="How it is counted.")


class MeterNow(Endpoint):
    """Outside changes reviewed within one working day, of one connection or of all."""

    serializer_class = MeterBody

    def get(self, request: SignedInRequest) -> Response:
        return self.answer(meter(Filters.parse(QueryDict(request.META.get("QUERY_STRING", ""))).connection))


class FolderRow(serializers.Serializer):
    name = serializers.CharField()
    count = serializers.IntegerField()


class FolderList(serializers.Serializer):
    seen_at = serializers.DateTimeField(help_text="For `matching` of a bulk call.")
    folders = FolderRow(many=True)


class Folders(Endpoint):
    """Your folders and how many entries each holds, under the same filters as the page."""

    serializer_class = FolderList

    def get(self, request: SignedInRequest) -> Response:
        filters = Filters.parse(QueryDict(request.META.get("QUERY_STRING", "")))
        return self.answer({"seen_at": timezone.now(), "folders": selectors.folders(filters, request.user)})


class SearchRow(serializers.ModelSerializer):
    owner = serializers.CharField(source="owner.username", read_only=True)
    shared = serializers.BooleanField(source="is_shared", default=False)

    class Meta:
        model = SavedSearch
        fields = ["id", "name", "query", "shared", "owner"]


class SearchBody(serializers.Serializer):
    name = serializers.CharField(max_length=80)
    query = ExactText(help_text="The query string of the page: folder and filters.")
    shared = serializers.BooleanField(default=False)


class Searches(Idempotent, ListEndpoint):
    """Your saved searches and those that others share."""

    serializer_class = SearchRow
    orderings: ClassVar = {"name": "name"}
    default_ordering = "name"

    def get_queryset(self) -> QuerySet[SavedSearch]:
        return searches_of(self.request.user)

    @extend_schema(request=SearchBody)
    def post(self, request: SignedInRequest) -> Response:
        wanted = self.clean(SearchBody)
        said = {"name": wanted["name"], "query": wanted["query"], "is_shared": wanted["shared"]}
        return self.answer(services.save_search(user=request.user, **said), status=201)


class SearchOne(Endpoint):
    """One of your own."""

    @extend_schema(responses={204: None})
    def delete(self, request: SignedInRequest, search_id: int) -> Response:
        services.remove_search(user=request.user, pk=search_id)
        return Response(status=204)

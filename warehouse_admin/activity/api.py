"""REST: what happened in the warehouse, and what people made of it."""

from __future__ import annotations

from typing import ClassVar

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.response import Response

from warehouse_admin.accounts.api import connection_filter
from warehouse_admin.accounts.idempotency import Idempotent
from warehouse_admin.activity import presenters, selectors, services
from warehouse_admin.activity.errors import UnknownEntry
from warehouse_admin.activity.filters import WAITING
from warehouse_admin.activity.models import REVIEWS, ActivityEntry
from warehouse_admin.core.rest import filters
from warehouse_admin.core.rest.endpoints import Endpoint, ListEndpoint, SignedInRequest
from warehouse_admin.core.rest.fields import ExactText, NullableText
from warehouse_admin.mirror.api import OfView


class EntryRow(serializers.ModelSerializer):
    saved_query = serializers.UUIDField(source="saved_query.posthog_id", allow_null=True, default=None)
    name = NullableText(source="object_name")
    connection = serializers.CharField(source="connection.slug")
    author = NullableText(help_text="A user name of the portal or an e-mail of PostHog; null: nobody says.")
    verdict = serializers.SerializerMethodField()
    note = NullableText()
    reviewer = serializers.SerializerMethodField()
    change = serializers.SerializerMethodField()
    outcome = NullableText(help_text="Of something sent from here that did not simply happen: `failed` or `unknown`.")
    known_only_here = serializers.BooleanField(help_text="PostHog keeps no log of it.")
    assignee = serializers.CharField(source="assignee.username", allow_null=True, default=None)
    asked = serializers.SerializerMethodField()
    revert = serializers.IntegerField(source="revert_number", help_text="The change that proposes what was before.")

    class Meta:
        model = ActivityEntry
        fields = [
            "id",
            "source",
            "kind",
            "saved_query",
            "name",
            "connection",
            "author",
            "occurred_at",
            "needs_review",
            "verdict",
            "note",
            "reviewer",
            "reviewed_at",
            "change",
            "outcome",
            "known_only_here",
            "assignee",
            "snoozed_until",
            "asked",
            "revert",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=ActivityEntry.Verdict.choices, allow_null=True))
    def get_verdict(self, entry: ActivityEntry) -> str | None:
        return entry.verdict or None

    def get_asked(self, entry: ActivityEntry) -> bool:
        """Whether a question to its author is open."""
        return entry.asked_at is not None

    def get_reviewer(self, entry: ActivityEntry) -> str | None:
        """The user name."""
        return entry.reviewed_by.username if entry.reviewed_by else None

    def get_change(self, entry: ActivityEntry) -> int | None:
        """The change request behind it."""
        return presenters.change_number(entry)


class LastQuestion(serializers.Serializer):
    """What was asked last, and what came back."""

    by = serializers.CharField()
    to = serializers.CharField()
    text = serializers.CharField()
    answer = NullableText()
    answered_by = NullableText()


class EntryDetail(EntryRow):
    """An entry with what differs, what it rests on, and the last question about it."""

    how_known = serializers.SerializerMethodField()
    question = serializers.SerializerMethodField()
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)

    class Meta(EntryRow.Meta):
        fields = [*EntryRow.Meta.fields, "before", "after", "how_known", "question"]
        read_only_fields = fields

    def get_how_known(self, entry: ActivityEntry) -> str:
        return presenters.how_known(entry)

    @extend_schema_field(LastQuestion(allow_null=True))
    def get_question(self, entry: ActivityEntry) -> dict[str, str | None] | None:
        return LastQuestion(found).data if (found := getattr(entry, "last_question", None)) else None


class ReviewBody(serializers.Serializer):
    verdict = serializers.ChoiceField(choices=REVIEWS)
    note = ExactText(required=False, default="", help_text="Needed to flag.")
    seen_at = serializers.DateTimeField(
        required=False,
        default=None,
        help_text="When you read the entry, UTC where no offset is given: 409 where somebody else decided since.",
    )


class EntryList(ListEndpoint):
    serializer_class = EntryRow
    filters: ClassVar = {
        "connection": connection_filter(),
        "source": filters.choice("source", ActivityEntry.Source.values),
        "verdict": filters.choice("verdict", ActivityEntry.Verdict.values),
        "kind": filters.text("kind"),
        "author": filters.text("author"),
        "reviewer": filters.text("reviewed_by__username", "The user name."),
        "saved_query": filters.identifier("saved_query__posthog_id"),
        "unreviewed": filters.conditions({"true": WAITING, "false": ~WAITING}, "Entries that wait for a person."),
        "outcome": filters.choice("outcome", ActivityEntry.Outcome.values),
        "known_only_here": filters.flag("known_only_here", "Actions of which PostHog keeps no log."),
        "assignee": filters.text("assignee__username", "The user name."),
        "needs_review": filters.flag("needs_review", "What people look at, looked at or not."),
        "since": filters.moment("occurred_at__gte"),
        "until": filters.moment("occurred_at__lt"),
    }
    searched = ("object_name", "author", "note")
    orderings: ClassVar = {"occurred_at": "occurred_at", "reviewed_at": "reviewed_at"}
    default_ordering = "-occurred_at"

    def get_queryset(self) -> QuerySet[ActivityEntry]:
        return selectors.related(ActivityEntry.objects.all()).defer(*selectors.HEAVY)


class EntriesOfView(EntryList, OfView):
    """What happened to one view."""

    def get_queryset(self) -> QuerySet[ActivityEntry]:
        return super().get_queryset().filter(saved_query=self.view())


class EntryOne(Endpoint):
    serializer_class = EntryDetail

    def get(self, request: SignedInRequest, entry_id: int) -> Response:
        return self.answer(entry(entry_id))


class Review(Idempotent, Endpoint):
    """Accept or flag an entry, again if need be."""

    serializer_class = EntryDetail

    @extend_schema(request=ReviewBody)
    def post(self, request: SignedInRequest, entry_id: int) -> Response:
        found = entry(entry_id)
        wanted = self.clean(ReviewBody)
        services.review(user=request.user, entry=found, **wanted)
        return self.answer(entry(entry_id))


def entry(entry_id: int) -> ActivityEntry:
    found = selectors.entry(entry_id) if entry_id < 2**63 else None
    if found is None:
        raise UnknownEntry("There is no such activity entry.")
    return found

"""Change requests as the API reads and shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from warehouse_admin.changes.models import ChangeRequest, Vote
from warehouse_admin.core.rest.fields import ExactText
from warehouse_admin.mutations.models import Mutation


class Held(serializers.Serializer):
    """What PostHog held at some moment."""

    name = serializers.CharField(allow_null=True)
    query = serializers.CharField(allow_null=True)
    latest_history_id = serializers.CharField(allow_null=True)
    fetched_at = serializers.DateTimeField(allow_null=True)


class Proposal(serializers.Serializer):
    query = serializers.CharField()


class MergePart(serializers.Serializer):
    """A part that PostHog or the proposal changed: its exact texts, and the line where it starts in each, from 1."""

    kind = serializers.ChoiceField(choices=["remote", "mine", "same", "conflict"])
    base = serializers.CharField(allow_blank=True)
    remote = serializers.CharField(allow_blank=True)
    mine = serializers.CharField(allow_blank=True)
    base_line = serializers.IntegerField()
    remote_line = serializers.IntegerField()
    mine_line = serializers.IntegerField()


class CastVote(serializers.Serializer):
    voter = serializers.CharField(help_text="The user name.")
    name = serializers.CharField()
    verdict = serializers.ChoiceField(choices=Vote.Verdict.choices)
    revision = serializers.IntegerField()
    comment = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    counts = serializers.BooleanField(help_text="Whether it counts now.")
    why_not = serializers.CharField(allow_blank=True)


class Blocker(serializers.Serializer):
    text = serializers.CharField()
    kind = serializers.CharField(help_text="`fix`: somebody has to do something. `wait`: it clears by itself.")
    who = serializers.CharField(help_text="Who can clear it.")


class Dependent(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.CharField()
    via = serializers.CharField(help_text="The name through which it depends on the view.")


class Impact(serializers.Serializer):
    dependents = Dependent(many=True)
    caveat = serializers.CharField(allow_blank=True, help_text="Why dependents may be missing; empty when none can.")


class Write(serializers.Serializer):
    """The write to PostHog: what was sent and what came back. More members tell of the request and its answer."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=Mutation.State.choices)
    asked_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(allow_blank=True)


class Event(serializers.Serializer):
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    kind = serializers.CharField()
    revision = serializers.IntegerField(allow_null=True)
    text = serializers.CharField(allow_blank=True)


class ChangeDetail(serializers.Serializer):
    """One change with all that its reviewers see."""

    number = serializers.IntegerField()
    action = serializers.ChoiceField(choices=ChangeRequest.Action.choices)
    state = serializers.ChoiceField(choices=ChangeRequest.State.choices)
    connection = serializers.CharField()
    saved_query = serializers.UUIDField()
    name = serializers.CharField()
    author = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    state_changed_at = serializers.DateTimeField()
    scheduled_for = serializers.DateTimeField(allow_null=True, help_text="When it is applied, once it has a time.")
    problem = serializers.CharField(allow_blank=True, help_text="Why it failed or needs a rebase, in words.")
    revision = serializers.IntegerField(help_text="Send it back with `revise`.")
    digest = serializers.CharField(help_text="Of the proposal and its base; a vote may be bound to it.")
    base = Held()
    remote = Held(allow_null=True, help_text="In `needs_rebase`: what PostHog held instead of the base.")
    merge = MergePart(
        many=True,
        allow_null=True,
        help_text="In `needs_rebase`: what either side changed, part by part; null in lists where texts are long.",
    )
    proposal = Proposal()
    diff = serializers.DictField(
        allow_null=True,
        help_text="`unified` text, and how many lines were `added` and `removed`; null in lists where texts are long.",
    )
    votes = CastVote(many=True)
    blockers = Blocker(many=True)
    impact = Impact()
    mutation = Write(allow_null=True)
    timeline = Event(many=True)
    rolls_back = serializers.IntegerField(allow_null=True)
    rolled_back_by = serializers.ListField(child=serializers.IntegerField())


class NewChange(serializers.Serializer):
    """Fields by action; only `edit_query` is offered."""

    action = serializers.CharField(max_length=40)
    # A malformed id is an unknown object, so it is looked up as text.
    saved_query = serializers.CharField(max_length=100, required=False)
    query = ExactText(required=False)
    reason = ExactText(required=False, default="")
    submit = serializers.BooleanField(required=False, default=False)

    def validate_action(self, value: str) -> str:
        offered = ChangeRequest.Action.values
        if value not in offered:
            raise serializers.ValidationError(f"This action is not offered. Use one of: {', '.join(offered)}.")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        missing = {name: "This field is required." for name in ("saved_query", "query") if name not in attrs}
        if missing:
            raise serializers.ValidationError(missing)
        return attrs


class Comment(serializers.Serializer):
    comment = ExactText(required=False, default="", help_text="Needed to request changes and to reject.")


class VoteBody(Comment):
    revision = serializers.IntegerField(required=False, help_text="The revision that was read; an older one is 409.")
    digest = serializers.CharField(required=False, max_length=64)


class Revised(serializers.Serializer):
    query = ExactText()
    revision = serializers.IntegerField(help_text="The revision that was edited; an older one is 409.")
    reason = ExactText(required=False)


class Scheduled(serializers.Serializer):
    at = serializers.DateTimeField(help_text="A time to come; UTC where no offset is given.")


class Rebased(serializers.Serializer):
    query = ExactText(required=False, help_text="The proposal, edited to fit. Lines of others it lacks are recorded.")
    replace_remote = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Propose the same text again in place of what PostHog holds now; then without `query`.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["replace_remote"] and "query" in attrs:
            raise serializers.ValidationError({"query": "To replace what PostHog holds, the proposal goes as it is."})
        if not attrs["replace_remote"] and "query" not in attrs:
            raise serializers.ValidationError({"query": "This field is required."})
        return attrs


class RolledBack(serializers.Serializer):
    reason = ExactText(required=False, default="", help_text="With a reason it goes to review at once.")

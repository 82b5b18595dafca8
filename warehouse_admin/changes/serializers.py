"""Change requests as the API reads and shows them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from warehouse_admin.changes.models import ChangeRequest, Vote
from warehouse_admin.core.rest.fields import ExactText
from warehouse_admin.lineage.lint.serializers import ReportRow
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.mutations.services import Entered
from warehouse_admin.posthog.buckets import FORMATS


class Held(serializers.Serializer):
    """What PostHog held at some moment."""

    name = serializers.CharField(allow_null=True)
    query = serializers.CharField(allow_null=True)
    latest_history_id = serializers.CharField(allow_null=True)
    fetched_at = serializers.DateTimeField(allow_null=True)

    sync_frequency = serializers.CharField(allow_null=True)
    is_materialized = serializers.BooleanField(allow_null=True)
    description = serializers.CharField(required=False, allow_null=True, help_text="Only of a change of it.")
    folder_id = serializers.CharField(required=False, allow_null=True, help_text="The same, and its name.")
    folder_name = serializers.CharField(required=False, allow_null=True)
    format = serializers.CharField(required=False, help_text="Of a table, as the two that follow.")
    url_pattern = serializers.CharField(required=False)
    columns = serializers.ListField(child=serializers.DictField(), required=False)

    def to_representation(self, instance: dict[str, Any]) -> dict[str, Any]:
        """What is not told of is left out, not null: a change says the same in a list and by itself."""
        return {name: value for name, value in super().to_representation(instance).items() if name in instance}


class Proposal(serializers.Serializer):
    """Only the fields of the action."""

    query = serializers.CharField(required=False)
    name = serializers.CharField(required=False)
    sync_frequency = serializers.CharField(required=False)
    description = serializers.CharField(required=False)
    folder_id = serializers.CharField(required=False, help_text="Empty for no folder.")
    folder_name = serializers.CharField(required=False, help_text="What the folder was called then.")
    format = serializers.CharField(required=False)
    url_pattern = serializers.CharField(required=False)
    credential = serializers.DictField(
        required=False, help_text="What of the keys was set, by whom and when; never the keys."
    )
    columns = serializers.DictField(child=serializers.CharField(), required=False, help_text="New types by name.")


class FieldChange(serializers.Serializer):
    field = serializers.CharField()
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)


class Consequences(serializers.Serializer):
    """What follows from applying it, in sentences."""

    effects = serializers.ListField(child=serializers.CharField())
    breaks = serializers.ListField(child=serializers.CharField(), help_text="What stops working.")
    lost = serializers.ListField(child=serializers.CharField(), help_text="What no roll-back brings back.")
    refusal = serializers.CharField(allow_blank=True, help_text="Why PostHog is certain to refuse it.")


class Outgoing(serializers.Serializer):
    """The request as it would leave; the token in it is read anew right before."""

    method = serializers.CharField()
    path = serializers.CharField()
    body = serializers.DictField()


class Badge(serializers.Serializer):
    """The state in the word that the pages show, which may say more than the state does."""

    state = serializers.ChoiceField(choices=ChangeRequest.State.choices)
    word = serializers.CharField()
    title = serializers.CharField(allow_blank=True, help_text="Why.")


class Required(serializers.Serializer):
    label = serializers.CharField()  # type: ignore[assignment]  # the name of the field in the API
    role = serializers.CharField(help_text="The role whose people count.")
    count = serializers.IntegerField(help_text="How many different people have to approve.")
    approvals = serializers.IntegerField(help_text="How many did, and count now.")
    people = serializers.ListField(child=serializers.CharField(), help_text="Their user names.")


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
    role = serializers.CharField(allow_blank=True, help_text="By which it was cast.")
    revision = serializers.IntegerField()
    comment = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    counts = serializers.BooleanField(help_text="Whether it counts now.")
    why_not = serializers.CharField(allow_blank=True)


class Blocker(serializers.Serializer):
    text = serializers.CharField()
    kind = serializers.CharField(help_text="`fix`: somebody has to do something. `wait`: it clears by itself.")
    who = serializers.CharField(help_text="Who can clear it.")


GRADE_TEXT = "`breaking`, `cannot_tell`, `risky` or `safe`; null for a revision from before it was computed."


class ColumnChange(serializers.Serializer):
    name = serializers.CharField()
    change = serializers.CharField(
        help_text="`added`, `removed`, `renamed`, `retyped`, `unsure` (its type) or `moved`."
    )
    before = serializers.CharField(allow_blank=True, help_text="Its former name, or type where that changed.")
    after = serializers.CharField(allow_blank=True, help_text="Its new name, or type where that changed.")


class Dependent(serializers.Serializer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.CharField()
    via = serializers.CharField(help_text="The name through which it depends on the view.")
    depth = serializers.IntegerField(help_text="1 for a view that selects from it itself.")
    grade = serializers.CharField(allow_null=True, help_text=GRADE_TEXT)
    why = serializers.ListField(child=serializers.CharField(), help_text="The reasons for a grade that is not `safe`.")
    columns = ColumnChange(many=True, help_text="What becomes of its own columns.")


class Impact(serializers.Serializer):
    """What the revision does to everything downstream, as it was computed when it was written."""

    grade = serializers.CharField(allow_null=True, help_text=f"The worst of all: {GRADE_TEXT}")
    columns = ColumnChange(many=True, help_text="What becomes of the columns of the view.")
    dependents = Dependent(many=True, help_text="Worst first; at most 500.")
    counts = serializers.DictField(child=serializers.IntegerField(), help_text="How many views have each grade.")
    notes = serializers.ListField(child=serializers.CharField(), help_text="What about it is not certain.")
    caveat = serializers.CharField(allow_blank=True, help_text="Why dependents may be missing; empty when none can.")


class Check(serializers.Serializer):
    """One thing that was looked at when the revision was written or handed in."""

    name = serializers.CharField()
    title = serializers.CharField()
    result = serializers.ChoiceField(choices=["pass", "warn", "fail", "not_looked"])
    text = serializers.CharField()
    details = serializers.ListField(child=serializers.CharField(), help_text="Single findings.")
    took_ms = serializers.IntegerField(allow_null=True)
    answer = serializers.ListField(
        child=serializers.DictField(), allow_null=True, help_text="What PostHog itself said, where it was asked."
    )


class Checks(serializers.Serializer):
    """What reviewers could rely on."""

    version = serializers.IntegerField()
    at = serializers.DateTimeField()
    took_ms = serializers.IntegerField()
    checks = Check(many=True)


class SentBody(serializers.Serializer):
    """The body of the request, its SQL apart."""

    fields = serializers.DictField()  # type: ignore[assignment]  # the name of the field in the API
    query = serializers.CharField(allow_null=True)
    is_exact = serializers.BooleanField(help_text="Whether it is proved by the digest that was kept when it left.")


class ReadBack(serializers.Serializer):
    field = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    as_sent = serializers.BooleanField(allow_null=True, help_text="Null for what was not sent.")


class Write(serializers.Serializer):
    """The write to PostHog: what was sent and what came back. More members tell of the request and its answer."""

    id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=Mutation.State.choices)
    asked_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    sent = SentBody(allow_null=True, required=False, help_text="Null where nothing was sent; not in lists.")
    read_back = ReadBack(many=True, required=False, help_text="What PostHog held when read again; not in lists.")
    candidates = serializers.ListField(
        child=serializers.DictField(),
        help_text="Views that may be what an unconfirmed create made, where only a person can tell (`decide`).",
    )


class Event(serializers.Serializer):
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    kind = serializers.CharField()
    revision = serializers.IntegerField(allow_null=True)
    text = serializers.CharField(allow_blank=True)


class Lint(ReportRow):
    """What lint finds in the newest revision, as things are now. It is looked up, and no part of the digest."""

    appeared = serializers.ListField(
        child=serializers.CharField(), help_text="What is found and was not when the revision was written or submitted."
    )
    disappeared = serializers.ListField(child=serializers.CharField(), help_text="The other way round.")


class ChangeDetail(serializers.Serializer):
    """One change with all that its reviewers see."""

    number = serializers.IntegerField()
    action = serializers.ChoiceField(choices=ChangeRequest.Action.choices)
    state = serializers.ChoiceField(choices=ChangeRequest.State.choices)
    badge = Badge()
    connection = serializers.CharField()
    title = serializers.CharField(help_text="What it does, in a few words.")
    saved_query = serializers.UUIDField(allow_null=True, help_text="Null for a view that is not made yet.")
    table = serializers.UUIDField(allow_null=True, help_text="The same of a change of a table.")
    name = serializers.CharField()
    author = serializers.CharField()
    co_authors = serializers.ListField(child=serializers.CharField(), help_text="Their user names.")
    reason = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    submitted_at = serializers.DateTimeField(allow_null=True)
    state_changed_at = serializers.DateTimeField()
    scheduled_for = serializers.DateTimeField(allow_null=True, help_text="When it is applied, once it has a time.")
    expires_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is closed unless somebody touches it; null while that is far off."
    )
    problem = serializers.CharField(allow_blank=True, help_text="Why it failed or needs a rebase, in words.")
    revision = serializers.IntegerField(help_text="Send it back with `revise`.")
    digest = serializers.CharField(help_text="Of the proposal and its base; a vote may be bound to it.")
    base = Held(allow_null=True)
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
    field_changes = FieldChange(many=True)
    request = Outgoing(allow_null=True)
    consequences = Consequences()
    cautions = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="What is legal and deserves a second look, in sentences: names that are easily misread, sources that "
        "the mirror does not know. Null in lists, where no query is parsed.",
    )
    lint = Lint(allow_null=True, help_text="Null in lists, and for actions without SQL.")
    requirements = Required(many=True)
    votes = CastVote(many=True)
    blockers = Blocker(many=True)
    unresolved_threads = serializers.IntegerField(help_text="About its lines; see `threads/`.")
    impact = Impact()
    checks = Checks(allow_null=True, help_text="Null: nothing was kept of what was checked.")
    mutation = Write(allow_null=True)
    timeline = Event(many=True)
    rolls_back = serializers.IntegerField(allow_null=True)
    rolled_back_by = serializers.ListField(child=serializers.IntegerField())


class Keys(serializers.Serializer):
    """The keys of a bucket: sent once, then forgotten; no answer ever has them."""

    access_key = ExactText(write_only=True)
    access_secret = ExactText(write_only=True)

    def to_internal_value(self, data: Any) -> Entered:
        return Entered(**super().to_internal_value(data))


class TableFields(serializers.Serializer):
    """What actions on tables take beside the name."""

    format = serializers.CharField(max_length=50, required=False, help_text=f"One of {', '.join(FORMATS)}.")
    url_pattern = ExactText(required=False)
    credential = Keys(required=False)
    columns = serializers.DictField(
        child=serializers.CharField(max_length=50), required=False, help_text="New types by the name of the column."
    )


class NewChange(TableFields):
    """Fields by action: `edit_query` `saved_query, query`; `create_view` `name, query` and, where there are several,
    `connection`; `rename` `saved_query, name`; `set_cadence` `saved_query, sync_frequency`; `set_description`
    `saved_query, description`; `move_to_folder` `saved_query, folder_id`, empty for none; `materialize`,
    `unmaterialize` and `delete` `saved_query`; `create_table` `name, format, url_pattern, credential`; `update_table`
    `table` and what of these changes; `delete_table` and `refresh_schema` `table`; `update_schema` `table, columns`."""

    action = serializers.CharField(max_length=40)
    connection = serializers.SlugField(required=False)
    # A malformed id is an unknown object, so it is looked up as text.
    saved_query = serializers.CharField(max_length=100, required=False)
    table = serializers.CharField(max_length=100, required=False)
    query = ExactText(required=False)
    name = ExactText(required=False)
    sync_frequency = serializers.CharField(max_length=40, required=False)
    description = ExactText(required=False)
    folder_id = ExactText(required=False, help_text="One of `folders/`; empty for none.")
    reason = ExactText(required=False, default="")
    submit = serializers.BooleanField(required=False, default=False)


class Editing(serializers.Serializer):
    """Somebody else with a draft of the view; what it says is theirs."""

    person = serializers.CharField(source="person.username", help_text="The user name.")
    since = serializers.DateTimeField(help_text="When it was last saved.")


class DraftDetail(serializers.Serializer):
    """The caller's own draft of a view."""

    saved_query = serializers.UUIDField()
    name = serializers.CharField()
    query = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField(help_text="Grows with each save. Send it back, and nobody is overwritten.")
    base_moved = serializers.BooleanField(help_text="Whether the view was changed since the draft was begun.")
    updated_at = serializers.DateTimeField()
    others = Editing(many=True)


class DraftBody(serializers.Serializer):
    query = ExactText()
    reason = ExactText(required=False, help_text="Left out, it stays.")
    version = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=2**63 - 1,
        help_text="The version it was written over, 0 for none: 409 if another is kept. Left out, it replaces any.",
    )


class NewDraftDetail(serializers.Serializer):
    """The caller's own draft of a view that does not exist yet."""

    connection = serializers.SlugField()
    name = serializers.CharField(allow_blank=True)
    query = serializers.CharField(allow_blank=True)
    reason = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField(help_text="Grows with each save. Send it back, and nobody is overwritten.")
    updated_at = serializers.DateTimeField()


class NewDraftBody(DraftBody):
    name = ExactText(required=False, help_text="Left out, it stays.")


class Comment(serializers.Serializer):
    comment = ExactText(required=False, default="", help_text="Needed to request changes and to reject.")


class VoteBody(Comment):
    revision = serializers.IntegerField(required=False, help_text="The revision that was read; an older one is 409.")
    digest = serializers.CharField(required=False, max_length=64)


class Revised(TableFields):
    """Fields of the action that are left out stay as they are."""

    query = ExactText(required=False)
    name = ExactText(required=False)
    sync_frequency = serializers.CharField(max_length=40, required=False)
    description = ExactText(required=False)
    folder_id = ExactText(required=False)
    revision = serializers.IntegerField(help_text="The revision that was edited; an older one is 409.")
    reason = ExactText(required=False)


class Dismissed(Comment):
    voter = serializers.CharField(
        max_length=150, required=False, help_text="The user name of who asked for changes; by default oneself."
    )


class CoAuthors(serializers.Serializer):
    add = serializers.ListField(child=serializers.CharField(max_length=150), required=False, max_length=50)
    remove = serializers.ListField(child=serializers.CharField(max_length=150), required=False, max_length=50)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise serializers.ValidationError({"add": "Name somebody to add or to remove."})
        return attrs


class Decided(serializers.Serializer):
    made = serializers.UUIDField(allow_null=True, help_text="The id of the view that was made; null: none was.")
    comment = ExactText(required=False, default="", help_text="How one knows; needed.")


class Scheduled(serializers.Serializer):
    at = serializers.DateTimeField(
        allow_null=True, help_text="A time to come; UTC where no offset is given. null takes the time away again."
    )


class Rebased(serializers.Serializer):
    query = ExactText(required=False, help_text="The SQL, edited to fit. Lines of others it lacks are recorded.")
    agreed = serializers.CharField(
        required=False,
        allow_blank=True,
        max_length=64,
        help_text="The `digest` of the lines of others that may be dropped, empty for none: 409 with `drops` where it "
        "would drop any other. Left out, nobody is asked, and they are recorded for reviewers to see.",
    )
    replace_remote = serializers.BooleanField(
        required=False,
        default=False,
        help_text="Propose the same text again in place of what PostHog holds now; then without `query`.",
    )
    reason = ExactText(
        required=False,
        default="",
        allow_blank=True,
        help_text="Needed where the change has none yet, as a rollback that began as a conflict; else not looked at.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["replace_remote"] and "query" in attrs:
            raise serializers.ValidationError({"query": "To replace what PostHog holds, the proposal goes as it is."})
        return attrs


class RolledBack(serializers.Serializer):
    reason = ExactText(required=False, default="", help_text="With a reason it goes to review at once.")

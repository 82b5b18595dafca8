"""Interviews as the API shows and takes them."""

from __future__ import annotations

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from warehouse_admin.core.rest.fields import ExactText, NullableText
from warehouse_admin.core.rest.strict import Strict
from warehouse_admin.interviews.models import Interview, Write
from warehouse_admin.mutations.models import Mutation

SEEN = "The `fingerprint` of what this was decided on: 409 where the interview is another by now."


class InterviewRow(serializers.ModelSerializer):
    """An interview without its transcript. Of one that is gone nothing about the interviewee is left."""

    id = serializers.UUIDField(source="posthog_id")
    connection = serializers.CharField(source="connection.slug")
    created_at = serializers.DateTimeField(source="remote_created_at", allow_null=True)
    created_by = NullableText(source="created_by_email")
    interviewee_emails = serializers.ListField(source="emails", child=serializers.CharField())
    summary = NullableText(help_text="Markdown.")
    topic = NullableText()
    interviewee_identifier = NullableText(source="identifier")

    class Meta:
        model = Interview
        fields = [
            "id",
            "connection",
            "created_at",
            "created_by",
            "interviewee_emails",
            "summary",
            "topic",
            "interviewee_identifier",
            "classifications",
            "synced_at",
            "deleted_at",
        ]
        read_only_fields = fields


class InterviewDetail(InterviewRow):
    """An interview. Its recording stays with PostHog, which gives it to nobody."""

    transcript = NullableText()
    fingerprint = serializers.CharField(help_text="Of summary and addresses: what `seen` takes.")

    class Meta(InterviewRow.Meta):
        fields = [*InterviewRow.Meta.fields, "transcript", "fingerprint"]
        read_only_fields = fields


class WriteRow(serializers.ModelSerializer):
    """An upload, an edit or a deletion that PostHog is asked for in the background."""

    state = serializers.CharField(source="mutation.state", help_text="As the states of a change's `mutation`.")
    interview = serializers.SerializerMethodField(help_text="The interview; of an upload null until it is made.")
    error = NullableText(source="mutation.error", help_text="What is in the way, or went wrong, in a sentence.")
    url = serializers.SerializerMethodField()

    class Meta:
        model = Write
        fields = ["id", "kind", "state", "interview", "error", "created_at", "finished_at", "url"]
        read_only_fields = fields

    @extend_schema_field(serializers.UUIDField(allow_null=True))
    def get_interview(self, write: Write) -> str | None:
        return write.mutation.object_id or None

    def get_url(self, write: Write) -> str:
        return reverse("api:interview-write", args=[write.pk])


class Unchanged(serializers.Serializer):
    """PostHog has it so already, and nothing is sent."""

    kind = serializers.CharField(default=Write.Kind.EDIT)
    state = serializers.CharField(default=Mutation.State.HAPPENED)
    interview = serializers.UUIDField(source="posthog_id")


class Upload(serializers.Serializer):
    """`multipart/form-data`, `interviewee_emails` once for each interviewee."""

    audio = serializers.FileField(help_text="The recording: MP3, M4A, WAV, Ogg, FLAC, WebM, AAC or MP4.")
    interviewee_emails = serializers.ListField(child=serializers.CharField())
    connection = serializers.CharField(required=False, help_text="A slug; needed where there are several connections.")


class Edit(Strict):
    """What is to be changed; the rest stays."""

    summary = ExactText(required=False)
    interviewee_emails = serializers.ListField(child=serializers.CharField(), required=False)
    reason = ExactText(required=False)
    seen = serializers.CharField(required=False, max_length=64, help_text=SEEN)

    def why_not(self, name: str) -> str:
        if name == "transcript":
            return "PostHog does not let a transcript be changed."
        return super().why_not(name)


class Delete(Strict):
    """It cannot be undone: `confirm` repeats the id."""

    reason = ExactText()
    confirm = serializers.CharField()
    seen = serializers.CharField(required=False, max_length=64, help_text=SEEN)

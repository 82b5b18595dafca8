"""One row for each write to PostHog, committed before the call leaves."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.fields import EncryptedTextField

CANDIDATES = "candidates"
"""In the evidence of a new view without an answer: the views of which only a person can tell whether one is it."""


GONE = "gone"
"""In the evidence of a write that met PostHog's own word that the object is not there any more."""


class Mutation(models.Model):
    """What was asked, what was sent, what came back, and what a later look found."""

    class Kind(models.TextChoices):
        CREATE_VIEW = "create_view"
        EDIT_QUERY = "edit_query"
        RENAME = "rename"
        SET_CADENCE = "set_cadence"
        MATERIALIZE = "materialize"
        UNMATERIALIZE = "unmaterialize"
        DELETE = "delete"
        RESUME_SCHEDULES = "resume_schedules"
        RUN = "run"
        CANCEL = "cancel"
        CREATE_INTERVIEW = "create_interview"
        UPDATE_INTERVIEW = "update_interview"
        DELETE_INTERVIEW = "delete_interview"
        CREATE_TABLE = "create_table"
        UPDATE_TABLE = "update_table"
        DELETE_TABLE = "delete_table"
        REFRESH_SCHEMA = "refresh_schema"
        UPDATE_SCHEMA = "update_schema"
        SET_DESCRIPTION = "set_description"
        MOVE_TO_FOLDER = "move_to_folder"

    class State(models.TextChoices):
        ASKED = "asked"  # committed, nothing sent
        SENDING = "sending"  # claimed; the request may be under way
        HAPPENED = "happened"
        CONFLICT = "conflict"  # PostHog holds something else; nothing landed
        REFUSED = "refused"  # PostHog said no; nothing landed
        NOT_SENT = "not_sent"  # certain that the request never left
        UNCONFIRMED = "unconfirmed"  # no trustworthy answer
        DID_NOT_HAPPEN = "did_not_happen"  # settled: a later look found the old state

    OPEN = (State.ASKED, State.SENDING, State.UNCONFIRMED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="mutations")
    kind = models.CharField(max_length=24, choices=Kind)
    state = models.CharField(max_length=16, choices=State, default=State.ASKED)
    idempotency_key = models.CharField(max_length=100, unique=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    author_name = models.CharField(max_length=150, blank=True)  # whose work it carries, where not the actor's
    object_id = models.CharField(max_length=64, blank=True)  # of a new view empty until it happened
    object_name = models.CharField(max_length=200, blank=True)
    cause = models.CharField(max_length=60, blank=True)  # `change:12`, `resume:<uuid>`
    reason = models.TextField(blank=True)
    credential = models.CharField(max_length=150, blank=True)  # whose key: `connection`, or a user name
    base = models.JSONField(default=dict)  # what the asker saw
    payload = models.JSONField(default=dict)  # what is wanted
    before = models.JSONField(null=True)  # PostHog's state right before sending
    after = models.JSONField(null=True)  # PostHog's state read back
    remote = models.JSONField(default=dict)  # method, path, status, token before and after, duration, body digest
    error = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    claim = models.UUIDField(null=True)  # who is sending it: a worker that lost its claim may not go on
    claimed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)  # how often it certainly did not leave
    asked_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    looked_at = models.DateTimeField(null=True)
    not_before = models.DateTimeField(null=True)  # wait until then: PostHog or our budget said so

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["state", "asked_at"]), models.Index(fields=["object_id", "-asked_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.object_name} {self.state}"


class ObjectLock(models.Model):
    """Held while a mutation of one remote object is under way; a unique row, so the database decides who has it."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    object_id = models.CharField(max_length=64)  # PostHog's id; of a view to be made a digest of its name
    mutation = models.ForeignKey(Mutation, models.CASCADE, related_name="locks")
    taken_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["connection", "object_id"], name="mutations_one_lock_per_object")
        ]

    def __str__(self) -> str:
        return self.object_id


class Credential(models.Model):
    """The keys of a bucket on their way to PostHog: encrypted until they were sent or are not needed, then empty."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    cause = models.CharField(max_length=60)  # as of the mutation that sends them
    access_key = EncryptedTextField(null=True)  # noqa: DJ001 - null is what the database can tell from a text
    access_secret = EncryptedTextField(null=True)  # noqa: DJ001
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()
    wiped_at = models.DateTimeField(null=True)
    wiped_because = models.CharField(max_length=100, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["cause"], name="mutations_credentials_of")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(wiped_at=None) | models.Q(access_key__isnull=True, access_secret__isnull=True),
                name="mutations_wiped_is_empty",
            )
        ]

    def __str__(self) -> str:
        return f"credential of {self.cause}"

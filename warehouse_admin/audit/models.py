"""The audit trail: rows that only grow, chained by hash."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from warehouse_admin.core.fields import EncryptedTextField
from warehouse_admin.core.saved import Saved

_BESIDE = ("actor_kind", "result", "action", "connection")


class AuditEntry(models.Model):
    """One thing somebody did, asked for or was denied. `services.record` is the only writer."""

    class Result(models.TextChoices):
        ASKED = "asked"
        OK = "ok"
        FAILED = "failed"
        DENIED = "denied"
        UNKNOWN = "unknown"

    class ActorKind(models.TextChoices):
        PERSON = "person"
        TOKEN = "token"  # noqa: S105
        SYSTEM = "system"

    sequence = models.BigIntegerField(unique=True)
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    actor_name = models.CharField(max_length=150)
    actor_kind = models.CharField(max_length=10, choices=ActorKind)
    token_name = models.CharField(max_length=100, blank=True)
    action = models.CharField(max_length=60)
    connection = models.CharField(max_length=50, blank=True)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_name = models.CharField(max_length=200, blank=True)
    result = models.CharField(max_length=10, choices=Result)
    reason = models.TextField(blank=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    remote = models.JSONField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    ip = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        default_permissions = ()
        permissions = [("view_all_entries", "Can read the whole audit trail")]
        indexes = [
            models.Index(fields=["object_id", "-sequence"]),
            models.Index(fields=["object_name", "-sequence"]),
            models.Index(fields=["action", "-sequence"]),
            models.Index(fields=["result", "-sequence"]),
            models.Index(fields=["request_id", "-sequence"]),
            models.Index(fields=["connection", "-sequence"]),
            models.Index(fields=["actor_kind", "-sequence"]),
            models.Index(fields=["token_name", "-sequence"], condition=~models.Q(token_name=""), name="audit_by_token"),
            models.Index(fields=["at"]),
            # Somebody's entries in order, and from somewhere, with what else is asked: what does not match is not read.
            models.Index(fields=["actor_name", "-sequence", *_BESIDE, "ip", "at"], name="audit_by_actor"),
            models.Index(
                fields=["ip", "-sequence", *_BESIDE, "actor_name", "at"],
                condition=~models.Q(ip=""),
                name="audit_by_address",
            ),
            # Those that are frequent alone and may never meet.
            models.Index(fields=["actor_kind", "result", "action", "connection", "-sequence"], name="audit_met"),
        ]

    def __str__(self) -> str:
        return f"#{self.sequence} {self.action} {self.object_name} {self.result}"


class ObjectName(models.Model):
    """A name that the object of some entry had; the database notes it with the entry (`triggers`)."""

    name = models.CharField(max_length=200, primary_key=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class ChainHead(models.Model):
    """The end of the chain: locked while an entry is appended, so that sequences have no gap and no fork."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)
    previous = models.CharField(max_length=64, default="0" * 64)  # the hash before this one

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="audit_one_chain_head")]

    def __str__(self) -> str:
        return f"chain at {self.sequence}"


class Verification(models.Model):
    """One check of the chain: how far it came, what it found. Stored while it walks, so that a killed one goes on.

    `to_sequence` is the last entry found good and `to_hash` its hash. A problem is told by `bad_sequence`, the entry
    where it shows, and by `bad_checkpoint` where it concerns a checkpoint.
    """

    class Kind(models.TextChoices):
        WHOLE = "whole", "From the first entry"
        RESUMED = "resumed", "From the last entry verified before"
        PART = "part", "From an entry that somebody named"

    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.PART)
    is_finished = models.BooleanField(default=True)
    from_sequence = models.BigIntegerField()
    to_sequence = models.BigIntegerField()
    to_hash = models.CharField(max_length=64, blank=True)
    checkpoints = models.PositiveIntegerField(default=0)  # how many were checked
    bad_sequence = models.BigIntegerField(null=True)
    bad_checkpoint = models.PositiveIntegerField(null=True)
    problem = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()
        get_latest_by = "at"

    def __str__(self) -> str:
        return f"verified to {self.to_sequence}"


class SigningKey(models.Model):
    """An Ed25519 key that signs checkpoints. The public half stays for good; the private one until the key is retired.

    `private_key` is empty where AUDIT_SIGNING_KEY gives it.
    """

    key_id = models.CharField(max_length=16, unique=True)
    public_key = models.CharField(max_length=44)
    private_key = EncryptedTextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.key_id


class Checkpoint(models.Model):
    """A signed statement that the chain had `count` entries, of which the last, `sequence`, had this hash.

    Numbered without a gap; each names the digest of the one before, so that none can be taken out unnoticed.
    """

    number = models.PositiveIntegerField(unique=True)
    at = models.DateTimeField()
    sequence = models.BigIntegerField()
    hash = models.CharField(max_length=64)
    count = models.BigIntegerField()
    key_id = models.CharField(max_length=16)
    previous = models.CharField(max_length=64)
    signature = models.CharField(max_length=88)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"checkpoint {self.number} at {self.sequence}"


class Archive(models.Model):
    """A signed statement that the oldest entries, up to `to_sequence`, were written to a file and pruned here.

    The chain is verified from the entry after it on. While there is one, the database lets exactly these entries go.
    """

    number = models.PositiveIntegerField(unique=True)
    at = models.DateTimeField()
    from_sequence = models.BigIntegerField()
    to_sequence = models.BigIntegerField()
    to_hash = models.CharField(max_length=64)
    file_sha256 = models.CharField(max_length=64)  # of all but the last line, as that line itself tells
    key_id = models.CharField(max_length=16)
    signature = models.CharField(max_length=88)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"archive {self.number} to {self.to_sequence}"


class Export(models.Model):
    """A part of the trail that somebody asked for as a file, written in the background, kept for a while."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        STOPPED = "stopped"

    class Format(models.TextChoices):
        CSV = "csv", "CSV"
        JSON_LINES = "jsonl", "JSON Lines"
        SEGMENT = "segment", "Signed segment"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    format = models.CharField(max_length=10, choices=Format)
    filters = models.JSONField(default=dict)
    is_masked = models.BooleanField(default=True)
    saw_all = models.BooleanField(default=False)  # whether it holds other people's entries too
    reason = models.TextField(blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    to_sequence = models.BigIntegerField()  # entries that came later are not part of it
    attempt = models.UUIDField(null=True)  # of the worker that writes it now; another's writes count for nothing
    attempts = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)  # when the worker last got on
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    total = models.BigIntegerField(null=True)
    done = models.BigIntegerField(default=0)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        default_permissions = ()
        indexes = [models.Index(fields=["asked_by", "-asked_at"]), models.Index(fields=["state"])]

    def __str__(self) -> str:
        return f"{self.format} export by {self.asked_by}"

    @property
    def is_open(self) -> bool:
        return self.state in (self.State.QUEUED, self.State.RUNNING)

    @property
    def is_there(self) -> bool:
        """Whether the file can be fetched."""
        kept = self.expires_at is None or self.expires_at > timezone.now()
        return self.state == self.State.SUCCEEDED and kept


class ExportPart(models.Model):
    """A piece of an export's file, compressed. In the database, which web and worker share on whatever machines."""

    export = models.ForeignKey(Export, models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["export", "number"], name="audit_one_part_per_number")]

    def __str__(self) -> str:
        return f"part {self.number}"


class SavedFilter(Saved):
    """Filters of the log under a name; a shared one is for all who may read the whole trail."""

    class Meta:
        default_permissions = ()
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="audit_one_filter_per_name")]

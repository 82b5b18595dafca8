"""Change requests: what is proposed, its numbered revisions, the votes, and how it went."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mutations.models import Mutation


class ChangeRequest(models.Model):
    """One proposed change of one view. Its number is its primary key. `state` moves only through services."""

    class Action(models.TextChoices):
        EDIT_QUERY = "edit_query", "Edit query"

    class State(models.TextChoices):
        DRAFT = "draft"
        IN_REVIEW = "in_review"
        CHANGES_REQUESTED = "changes_requested"
        APPROVED = "approved"
        SCHEDULED = "scheduled"
        APPLYING = "applying"
        APPLIED = "applied"
        FAILED = "failed"
        NEEDS_REBASE = "needs_rebase"
        UNCONFIRMED = "unconfirmed"
        PARTIAL = "partial"
        REJECTED = "rejected"
        WITHDRAWN = "withdrawn"
        SUPERSEDED = "superseded"
        EXPIRED = "expired"

    CLOSED = (State.APPLIED, State.REJECTED, State.WITHDRAWN, State.SUPERSEDED, State.EXPIRED)
    IN_FLIGHT = (State.APPLYING, State.UNCONFIRMED)

    connection = models.ForeignKey(Connection, models.PROTECT, related_name="changes")
    action = models.CharField(max_length=20, choices=Action)
    state = models.CharField(max_length=20, choices=State, default=State.DRAFT)
    saved_query = models.ForeignKey(SavedQuery, models.PROTECT, related_name="changes")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="changes")
    co_authors = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="CoAuthor", through_fields=("change", "person"), related_name="co_authored"
    )
    reason = models.TextField(blank=True)
    revision_number = models.PositiveIntegerField(default=1)
    mutation = models.ForeignKey(Mutation, models.PROTECT, null=True, related_name="+")
    apply_asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    attempts = models.PositiveIntegerField(default=0)  # how often it was claimed for applying
    scheduled_for = models.DateTimeField(null=True)  # when to apply it; kept when missed, for people to read
    by_hand = models.BooleanField(default=False)  # an operator took its time in hand: no policy starts it by itself
    rolls_back = models.ForeignKey("self", models.PROTECT, null=True, related_name="rollbacks")
    nonce = models.CharField(max_length=64, blank=True)  # of the form that made it, so that a double click makes one
    problem = models.TextField(blank=True)  # why it failed or needs a rebase, in words
    remote = models.JSONField(null=True)  # what PostHog held when a conflict was found
    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True)
    state_changed_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        permissions = [
            ("propose_changerequest", "Can propose changes"),
            ("review_changerequest", "Can vote on and reject changes"),
            ("apply_changerequest", "Can apply approved changes"),
            ("close_changerequest", "Can withdraw or reject anybody's change"),
        ]
        indexes = [
            models.Index(fields=["state", "-state_changed_at"]),
            models.Index(fields=["-state_changed_at", "-id"]),
            models.Index(fields=["author", "-created_at"]),
            models.Index(fields=["saved_query", "-created_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["author", "nonce"], condition=~Q(nonce=""), name="changes_one_change_per_form"
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def number(self) -> int:
        return self.pk

    @property
    def is_closed(self) -> bool:
        return self.state in self.CLOSED

    def prefetched(self, relation: str) -> list[Any] | None:
        """What a list has read of a relation for all its rows at once; None where nobody did."""
        known = getattr(self, "_prefetched_objects_cache", {})
        return list(known[relation]) if relation in known else None


class Revision(models.Model):
    """An immutable, numbered snapshot of the proposal and of what it was written against."""

    change = models.ForeignKey(ChangeRequest, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    base = models.JSONField()  # name, query, latest_history_id, fetched_at of the live view
    proposal = models.JSONField()  # query
    digest = models.CharField(max_length=64)  # of base query and proposal, exactly
    meaning_digest = models.CharField(max_length=64)  # the same with comments, white space and keyword case left out
    requirements = models.JSONField(default=list)  # who has to approve it, as it was when this was saved
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["change", "number"], name="changes_revision_numbers")]

    def __str__(self) -> str:
        return f"{self.change} r{self.number}"


class CoAuthor(models.Model):
    """Somebody who may edit a change beside its author, and therefore never votes on it."""

    change = models.ForeignKey(ChangeRequest, models.CASCADE, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["change", "person"], name="changes_one_co_author_once")]

    def __str__(self) -> str:
        return f"{self.person} on {self.change}"


class Vote(models.Model):
    """One person's decision on one revision. Triggers refuse a vote by whoever wrote what is voted on.

    Whether it counts is derived (`votes.py`); `voided_at` marks only what was replaced, dismissed or given up.
    """

    class Verdict(models.TextChoices):
        APPROVE = "approve"
        REQUEST_CHANGES = "request_changes"

    change = models.ForeignKey(ChangeRequest, models.CASCADE, related_name="votes")
    revision = models.ForeignKey(Revision, models.PROTECT, related_name="votes")
    voter = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="votes")
    verdict = models.CharField(max_length=16, choices=Verdict)
    role = models.CharField(max_length=20, blank=True)  # by which it was cast
    digest = models.CharField(max_length=64)
    comment = models.TextField(blank=True)
    at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True)
    voided_because = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["change", "voter"], condition=Q(voided_at=None), name="changes_one_standing_vote_per_person"
            )
        ]

    def __str__(self) -> str:
        return f"{self.voter} {self.verdict}"


class ChangeEvent(models.Model):
    """One line of a change request's timeline."""

    change = models.ForeignKey(ChangeRequest, models.CASCADE, related_name="events")
    at = models.DateTimeField()
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    kind = models.CharField(max_length=30)
    revision_number = models.PositiveIntegerField(null=True)
    text = models.TextField(blank=True)

    class Meta:
        default_permissions = ()
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.kind

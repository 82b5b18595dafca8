"""Change requests: what is proposed, its numbered revisions, the votes, and how it went."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SavedQuery, WarehouseTable
from warehouse_admin.mutations.models import Mutation


class ChangeRequest(models.Model):
    """One proposed change. Its number is its primary key. `state` moves only through services.

    What is proposed stands in the items of its newest revision; `action`, `saved_query` and `object_name` repeat what
    no revision changes, so that lists and filters need no join.
    """

    class Action(models.TextChoices):
        CREATE_VIEW = "create_view", "Create view"
        EDIT_QUERY = "edit_query", "Edit query"
        RENAME = "rename", "Rename"
        SET_CADENCE = "set_cadence", "Set cadence"
        SET_DESCRIPTION = "set_description", "Set description"
        MOVE_TO_FOLDER = "move_to_folder", "Move to folder"
        MATERIALIZE = "materialize", "Materialize"
        UNMATERIALIZE = "unmaterialize", "Undo materialization"
        DELETE = "delete", "Delete"
        CREATE_TABLE = "create_table", "Create table"
        UPDATE_TABLE = "update_table", "Change table"
        DELETE_TABLE = "delete_table", "Delete table"
        REFRESH_SCHEMA = "refresh_schema", "Read columns anew"
        UPDATE_SCHEMA = "update_schema", "Change column types"

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
    saved_query = models.ForeignKey(SavedQuery, models.PROTECT, null=True, related_name="changes")  # null: not made yet
    table = models.ForeignKey(WarehouseTable, models.PROTECT, null=True, related_name="changes")
    object_name = models.CharField(max_length=200)  # the object's when it was proposed, or the one it will get
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
    by_hand = models.BooleanField(default=False)  # an operator has its time in hand: no policy starts it by itself
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
            models.Index(fields=["state", "author", "id"], name="changes_by_state_and_author"),
            models.Index(fields=["author", "-created_at"]),
            models.Index(fields=["saved_query", "-created_at"]),
            models.Index(fields=["table", "-created_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["author", "nonce"], condition=~Q(nonce=""), name="changes_one_change_per_form"
            )
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    newest: Revision | None = None
    """The newest revision, where a list has read those of all its rows at once, or a page all of one change."""
    first: Revision | None = None
    """The first one, where a page has read all of them."""

    @property
    def number(self) -> int:
        return self.pk

    @property
    def about(self) -> SavedQuery | WarehouseTable | None:
        """The view or table it is about; None for one that is not made yet."""
        return self.saved_query or self.table

    @property
    def cause(self) -> str:
        """What its mutations and credentials are filed under."""
        return f"change:{self.pk}"

    @property
    def is_closed(self) -> bool:
        return self.state in self.CLOSED

    def prefetched(self, relation: str) -> list[Any] | None:
        """What a list has read of a relation for all its rows at once; None where nobody did."""
        known = getattr(self, "_prefetched_objects_cache", {})
        return list(known[relation]) if relation in known else None


class Revision(models.Model):
    """An immutable, numbered snapshot of all that is proposed: its items."""

    change = models.ForeignKey(ChangeRequest, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)  # of exactly what reviewers are shown: objects, base, proposal, dependents
    meaning_digest = models.CharField(max_length=64)  # of what it does: no layout of SQL, no dependents
    requirements = models.JSONField(default=list)  # who has to approve it, frozen: [{label, role, count}]
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["change", "number"], name="changes_revision_numbers")]

    def __str__(self) -> str:
        return f"{self.change} r{self.number}"

    @classmethod
    def numbered(cls, change: ChangeRequest, number: int) -> Revision | None:
        """A revision with its item and its editor, in one query unless it was read beforehand."""
        for known in (change.newest, change.first):
            if known is not None and known.number == number:
                return known
        of_it = {"revision__change": change, "revision__number": number, "position": 0}
        item = Item.objects.select_related("revision__editor").filter(**of_it).first()
        if item is None:
            return None
        item.revision.item = item
        return item.revision

    @cached_property
    def item(self) -> Item:
        """The one item that a change of one view has."""
        return self.items.all()[0]

    @cached_property
    def checks(self) -> dict[str, Any] | None:
        """What was looked at last, as `checked` keeps it; None where nothing was kept."""
        return Look.objects.filter(revision=self).order_by("-pk").values_list("found", flat=True).first()

    @property
    def base(self) -> dict[str, Any]:
        return self.item.base

    @property
    def proposal(self) -> dict[str, Any]:
        return self.item.proposal


class Look(models.Model):
    """What was checked of a revision when it was written, and once more when it was handed in; as immutable as it."""

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="looks")
    at = models.DateTimeField(auto_now_add=True)
    found = models.JSONField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"checks of {self.revision}"


class Item(models.Model):
    """One action on one object, as immutable as its revision."""

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField(default=0)  # the order in which items are applied
    action = models.CharField(max_length=20, choices=ChangeRequest.Action)
    saved_query = models.ForeignKey(SavedQuery, models.PROTECT, null=True, related_name="+")
    table = models.ForeignKey(WarehouseTable, models.PROTECT, null=True, related_name="+")
    object_name = models.CharField(max_length=200)
    base = models.JSONField(default=dict)  # the live object it was written against, as `mutations.snapshot` keeps it
    proposal = models.JSONField(default=dict)  # the action's own fields: query, name, sync_frequency
    dependents = models.JSONField(default=list)  # names of the views that select from it, as reviewers were shown them
    impact = models.JSONField(null=True)  # what it does to everything downstream, as `lineage.impact` tells it

    class Meta:
        default_permissions = ()
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["revision", "position"], name="changes_item_positions")]

    def __str__(self) -> str:
        return f"{self.action} {self.object_name}"

    @property
    def about(self) -> SavedQuery | WarehouseTable | None:
        return self.saved_query or self.table


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
    thread = models.ForeignKey("Thread", models.CASCADE, null=True, related_name="+")  # that it tells of

    class Meta:
        default_permissions = ()
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.kind


class DraftQuerySet(models.QuerySet["Draft"]):
    def of(self, user: Any, about: SavedQuery | ChangeRequest | Connection) -> DraftQuerySet:
        """This person's draft of a view, of a change, or of a new view of a connection: one at most."""
        return self.filter(user=user, **{Draft.field_for(about): about})

    def used(self, query: str, seen: int) -> DraftQuerySet:
        """Those that a proposal of `query` was made from; not one that was saved, in another tab, after `seen`."""
        return self.filter(Q(version__lte=seen) | Q(query=query))


class Draft(models.Model):
    """What a person is typing, saved as they type. Nobody else reads it; others only learn that it exists."""

    LONGEST_NAME = 200

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="drafts")
    # What it is about, exactly one of them: a view, a change, or the connection that a new view is written for.
    saved_query = models.ForeignKey(SavedQuery, models.CASCADE, null=True, related_name="drafts")
    change = models.ForeignKey(ChangeRequest, models.CASCADE, null=True, related_name="drafts")
    connection = models.ForeignKey(Connection, models.CASCADE, null=True, related_name="drafts")
    name = models.CharField(max_length=LONGEST_NAME, blank=True)  # of a new view
    query = models.TextField(blank=True)
    reason = models.TextField(blank=True)
    base = models.CharField(max_length=64, blank=True)  # digest of the view's SQL that it was begun on
    base_revision = models.PositiveIntegerField(null=True)  # of a change: the revision that it was begun on
    # Grows with each save, so that two tabs notice each other, and never comes again, even after a discard.
    version = models.PositiveBigIntegerField()
    updated_at = models.DateTimeField()

    objects = DraftQuerySet.as_manager()

    class Meta:
        default_permissions = ()
        indexes = [
            models.Index(fields=["user", "-updated_at"]),
            models.Index(fields=["updated_at"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["user", "saved_query"], name="changes_one_draft_per_view"),
            models.UniqueConstraint(fields=["user", "change"], name="changes_one_draft_per_change"),
            models.UniqueConstraint(fields=["user", "connection"], name="changes_one_draft_of_a_new_view"),
            models.CheckConstraint(
                condition=Q(saved_query__isnull=False, change=None, connection=None)
                | Q(saved_query=None, change__isnull=False, connection=None)
                | Q(saved_query=None, change=None, connection__isnull=False),
                name="changes_draft_is_about_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return f"draft of {self.user}"

    @staticmethod
    def field_for(about: SavedQuery | ChangeRequest | Connection) -> str:
        """The column that names what a draft is about."""
        fields = {SavedQuery: "saved_query", ChangeRequest: "change", Connection: "connection"}
        return fields[type(about)]


class Credit(models.Model):
    """Somebody whose suggestion is part of what a revision means, and who therefore never approves that meaning."""

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="credits")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["revision", "person"], name="changes_one_credit_once")]

    def __str__(self) -> str:
        return f"{self.person} in {self.revision}"


Place = tuple[int, int]
"""The first and the last line, counted from 1."""


class Thread(models.Model):
    """A talk about some lines: of the text that a revision proposes, or of the base that it was written against."""

    class Side(models.TextChoices):
        BASE = "base"
        PROPOSAL = "proposal"

    change = models.ForeignKey(ChangeRequest, models.CASCADE, related_name="threads")
    item = models.ForeignKey(Item, models.PROTECT, related_name="+")  # whose text it was opened on
    revision_number = models.PositiveIntegerField()  # of that item
    side = models.CharField(max_length=10, choices=Side)
    first_line = models.PositiveIntegerField()
    last_line = models.PositiveIntegerField()
    quoted = models.TextField(blank=True)  # the lines as they were, without the end of the last; long ones are cut
    places = models.JSONField(default=dict)  # by revision: [first, last] line there, or null where they are gone
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    resolved_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ["pk"]
        indexes = [models.Index(fields=["change", "resolved_at"])]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_line__gte=1, last_line__gte=models.F("first_line")), name="changes_thread_lines"
            )
        ]

    def __str__(self) -> str:
        return f"thread {self.pk}, {self.lines}"

    @property
    def lines(self) -> str:
        """Where it was opened, in words."""
        return line_words(self.first_line, self.last_line, self.side)

    @property
    def is_resolved(self) -> bool:
        return self.resolved_at is not None

    def place_in(self, revision_number: int) -> Place | None:
        """Where its lines stand in a revision; None where they are not in it any more, or not yet."""
        place = self.places.get(str(revision_number))
        return (place[0], place[1]) if place else None


class ThreadComment(models.Model):
    """What somebody said in a thread, and perhaps a text that they suggest for its lines."""

    class Decision(models.TextChoices):
        OPEN = ""
        ACCEPTED = "accepted"
        DECLINED = "declined"

    thread = models.ForeignKey(Thread, models.CASCADE, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    text = models.TextField(blank=True)
    is_suggestion = models.BooleanField(default=False)
    replacement = models.TextField(blank=True)  # of a suggestion, with LF; empty: the lines go
    decision = models.CharField(max_length=10, choices=Decision, blank=True, default=Decision.OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    accepted_in = models.ForeignKey(Revision, models.PROTECT, null=True, related_name="+")
    nonce = models.CharField(max_length=64, blank=True)  # of the form and what it said: a double click says it once

    class Meta:
        default_permissions = ()
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["author", "nonce"], condition=~Q(nonce=""), name="changes_one_comment_per_form"
            )
        ]

    def __str__(self) -> str:
        return f"{self.author} in {self.thread_id}"

    @property
    def is_accepted(self) -> bool:
        return self.decision == self.Decision.ACCEPTED

    @property
    def is_open_suggestion(self) -> bool:
        return self.is_suggestion and not self.decision


def line_words(first: int, last: int, side: str = Thread.Side.PROPOSAL) -> str:
    """`line 3`, `lines 3–5`, or either of the base."""
    said = f"line {first}" if first == last else f"lines {first}–{last}"
    return f"{said} of the base" if side == Thread.Side.BASE else said

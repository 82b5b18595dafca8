"""Owners, tags, trust. They belong to a remote id: they outlive a new name, and a deletion and what comes after it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import SavedQuery


class Tag(models.Model):
    """A word that objects are found by, in the one form in which all who type it mean the same."""

    name = models.CharField(max_length=40, unique=True)

    class Meta:
        default_permissions = ()
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Entry(models.Model):
    """What is said of one view or table; there is none for those of which nothing ever was."""

    class Kind(models.TextChoices):
        VIEW = "saved_query", "View"
        TABLE = "table", "Table"

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=Kind)
    posthog_id = models.UUIDField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    tags = models.ManyToManyField(Tag, related_name="entries")
    view = models.ForeignObject(
        SavedQuery,
        models.DO_NOTHING,
        from_fields=["connection", "posthog_id"],
        to_fields=["connection", "posthog_id"],
        related_name="catalog_entries",
        null=True,
    )
    """No column: a way to join. Entries of tables have none; whoever joins asks for the kind."""

    class Meta:
        default_permissions = ()
        permissions = [
            ("describe_entry", "Can set owners and tags"),
            ("certify_entry", "Can certify and deprecate"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "posthog_id"], name="catalog_one_entry_per_object")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.posthog_id}"


class Trust(models.Model):
    """That somebody vouches for an object, or wants nobody to build on it; there is none where nobody said either."""

    class Word(models.TextChoices):
        CERTIFIED = "certified", "Certified"
        DEPRECATED = "deprecated", "Deprecated"

    SUSPENDED = "suspended"
    """The state of a certification that no longer holds."""

    entry = models.OneToOneField(Entry, models.CASCADE, primary_key=True, related_name="trust")
    word = models.CharField(max_length=10, choices=Word)
    note = models.TextField(blank=True)
    instead = models.CharField(max_length=200, blank=True)  # the name of what to read in place of what is deprecated
    until = models.DateField(null=True)  # the last day on which a certification holds
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    said_at = models.DateTimeField()
    fingerprint = models.CharField(max_length=64, blank=True)  # of the SQL or the columns that it holds for
    lost_at = models.DateTimeField(null=True)
    lost_why = models.TextField(blank=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.entry} {self.state}"

    @staticmethod
    def holding(path: str = "") -> Q:
        """Those certified today; `path` leads to them."""
        lasting = Q(**{f"{path}until": None}) | Q(**{f"{path}until__gte": timezone.now().date()})
        return Q(**{f"{path}word": Trust.Word.CERTIFIED, f"{path}lost_at": None}) & lasting

    @staticmethod
    def in_state(state: str, path: str = "") -> Q:
        """Those that are certified, deprecated or suspended today; no others."""
        holding, certified = Trust.holding(path), Q(**{f"{path}word": Trust.Word.CERTIFIED})
        conditions = {
            str(Trust.Word.CERTIFIED): holding,
            str(Trust.Word.DEPRECATED): Q(**{f"{path}word": Trust.Word.DEPRECATED}),
            Trust.SUSPENDED: certified & ~holding,
        }
        return conditions.get(state, Q(pk__in=()))

    @property
    def state(self) -> str:
        """`certified`, `deprecated` or `suspended`."""
        if self.word == self.Word.CERTIFIED and (self.lost_at is not None or self.has_expired):
            return self.SUSPENDED
        return self.word

    @property
    def has_expired(self) -> bool:
        return self.until is not None and self.until < timezone.now().date()

    @property
    def why_suspended(self) -> str:
        """A sentence; empty while it holds."""
        if self.state != self.SUSPENDED:
            return ""
        return self.lost_why or f"It was certified up to {self.until}."

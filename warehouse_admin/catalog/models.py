"""Owners and tags. They belong to a remote id, so they outlive a new name, and a deletion and what comes after it."""

from __future__ import annotations

from django.conf import settings
from django.db import models

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
        permissions = [("describe_entry", "Can set owners and tags")]
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "posthog_id"], name="catalog_one_entry_per_object")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.posthog_id}"

"""A page's filters under a name."""

from __future__ import annotations

from django.conf import settings
from django.db import models

LONGEST_NAME = 80
LONGEST_QUERY = 1_000


class Saved(models.Model):
    """What a page was asked to show, as it stands in its address; its owner's own unless it is shared."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=LONGEST_NAME)
    query = models.CharField(max_length=LONGEST_QUERY)
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name

"""What an operator can be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.urls import reverse

from warehouse_admin.core.errors import UserError


class AlreadyInCampaign(UserError):
    """Some of the chosen views belong to an open campaign; `campaigns` are the ids of those that have them."""

    def __init__(self, message: str, *, campaigns: Sequence[UUID] = ()) -> None:
        super().__init__(message)
        self.campaigns = list(campaigns)

    @property
    def links(self) -> list[tuple[str, str]]:
        words = "Open that campaign" if len(self.campaigns) == 1 else "Open campaign {}"
        return [
            (words.format(number), reverse("schedules:resume-detail", args=[key]))
            for number, key in enumerate(self.campaigns, start=1)
        ]

    @property
    def members(self) -> dict[str, Any]:
        return {"resumes": [str(key) for key in self.campaigns]}


class NotOffered(UserError):
    """PostHog will refuse the action for the connection's key; the message says why."""


class NothingToDo(UserError):
    """The state of the view or of the campaign forbids the action."""

"""What a person can be told about a change request."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from warehouse_admin.changes.dropped import Dropped
from warehouse_admin.core.errors import InvalidInput, UserError

if TYPE_CHECKING:
    from warehouse_admin.changes.models import ChangeRequest, Draft


class StateForbids(UserError):
    """The change is not in a state that allows this; `blockers` says what stands in the way."""

    def __init__(self, message: str, *, kind: str = "wait", who: str = "") -> None:
        super().__init__(message, blockers=[{"text": message, "kind": kind, "who": who}])


class LintForbids(InvalidInput):
    """The text breaks rules that weigh as errors; the links lead to the pages that explain them."""

    def __init__(self, told: list[str], rules: list[tuple[str, str]]) -> None:
        super().__init__(told[0], errors={"query": told})
        self._rules = rules

    @property
    def links(self) -> list[tuple[str, str]]:
        return self._rules


class SentAlready(UserError):
    """A form was sent again with something else in it, as after the back button; `change` is what it made before."""

    def __init__(self, change: ChangeRequest) -> None:
        super().__init__(
            f"This form has made {change} already, and what it says now is something else. Nothing was saved: edit "
            f"{change} instead, or send this once more as a change of its own."
        )
        self.change = change

    @property
    def links(self) -> list[tuple[str, str]]:
        return [(f"Open {self.change}", reverse("changes:detail", args=[self.change.pk]))]


class StaleRevision(UserError):
    """Somebody saved a newer revision than the one this was written on."""


class BaseMoved(UserError):
    """PostHog holds something else than what the person started from; `base` is the view as it is now."""

    def __init__(self, base: dict[str, Any], through: str = "") -> None:
        """`through` is a sentence that says by which change, where it was one that was applied here."""
        what = f"The view was changed in PostHog while you were writing. {through}".strip()
        super().__init__(f"{what} Your text is kept: compare it with what PostHog holds now, then propose again.")
        self.base = base

    @property
    def live_query(self) -> str:
        return self.base.get("query") or ""


class DraftMoved(UserError):
    """Another tab or browser of this person saved, sent or discarded the draft; `draft` is what is kept now, if any."""

    def __init__(self, draft: Draft | None) -> None:
        told = "You wrote another text in another tab or browser." if draft else "This draft was sent or discarded."
        super().__init__(f"{told} Yours was not saved over it; both are kept until you choose.")
        self.draft = draft


class DropsLines(UserError):
    """The text leaves out lines of others that were not agreed to; `dropped` holds them, `drops` tells programs."""

    def __init__(self, dropped: Dropped) -> None:
        super().__init__(
            "This leaves out what others did in PostHog meanwhile. Look at the lines below and agree to it, or choose "
            "otherwise. Everything you chose and wrote is kept."
        )
        self.dropped = dropped

    @property
    def members(self) -> dict[str, Any]:
        return {"drops": {"digest": self.dropped.digest, **asdict(self.dropped)}}

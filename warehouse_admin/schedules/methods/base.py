"""What a way of acting on schedules is made of: one class for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from warehouse_admin.accounts.roles import RESUME
from warehouse_admin.core.errors import UserError
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import Run, SavedQuery
from warehouse_admin.mirror.states import KEPT_BY_POSTHOG
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.posthog import errors as posthog_errors
from warehouse_admin.schedules.claims import Wait
from warehouse_admin.schedules.models import Campaign, CampaignItem

Outcome = CampaignItem.Outcome
Verdict = tuple[str, str]

GONE = "PostHog no longer has this view."
NO_ANSWER = "No trustworthy answer came to the request; nobody can tell yet whether PostHog acted on it."
DID_NOT_HAPPEN = "PostHog did not carry the request out: the schedule is as it was."
NO_SCHEDULE = "It has no schedule: it is not materialized."
NO_RUN = "PostHog took the request, but the run that was due did not come: its schedule still stands."
NO_RUN_NO_ANSWER = "No answer came to the request, and neither did the run that was due: its schedule still stands."
WAIT = 15.0  # seconds before asking again when nobody said how long to wait

ENDED = (Mutation.State.HAPPENED, Mutation.State.DID_NOT_HAPPEN)
NOT_DONE = (Mutation.State.REFUSED, Mutation.State.NOT_SENT, Mutation.State.CONFLICT)


@dataclass(frozen=True)
class Ask:
    """One write for the gate."""

    kind: str
    object_id: str
    object_name: str
    payload: dict[str, Any]
    base: dict[str, Any] | None = None


class Method:
    """`settled_already` is asked before sending, `observe` and `verdict` afterwards."""

    name: ClassVar[Campaign.Method]
    action: ClassVar[Campaign.Action]
    capability: ClassVar[str]
    permission: ClassVar[str] = RESUME
    label: ClassVar[str]
    most: ClassVar[int] = 1  # views in one call
    calls_each: ClassVar[int] = 3  # requests for one view: read, write, read back
    repeatable: ClassVar[bool] = False  # asking twice does no more than asking once
    sends: ClassVar[bool] = True

    def settled_already(self, campaign: Campaign, item: CampaignItem) -> Verdict | None:
        """The outcome of a view that needs no sending; None for one that does. May look: raises Settled and Wait."""
        raise NotImplementedError

    def ask(self, campaign: Campaign, items: Sequence[CampaignItem]) -> Ask:
        """The write for these views."""
        raise NotImplementedError

    def observe(self, item: CampaignItem, mutation: Mutation) -> None:
        """Bring the mirror up to what PostHog holds after the write. Raises PostHogError and UserError."""
        read(item)

    def verdict(self, item: CampaignItem, mutation: Mutation) -> Verdict:
        """The outcome and its explanation, from what the mirror holds now."""
        raise NotImplementedError

    def unread(self, item: CampaignItem, mutation: Mutation, error: Exception) -> Verdict:
        """The outcome where PostHog could not be read again."""
        if isinstance(error, posthog_errors.NotFound) and error.object_missing:
            return Outcome.FAILED, GONE
        return self.verdict(item, mutation)

    def waits_for_reading(self, item: CampaignItem) -> bool:
        """Whether an item that is not known yet can only be settled by asking PostHog."""
        return False

    def act(self, campaign: Campaign, item: CampaignItem) -> None:
        """For ways that send nothing through the gate: do it and settle the item."""
        raise NotImplementedError


def read(item: CampaignItem) -> None:
    """Re-read one view from PostHog into the mirror."""
    mirror.read_live(item.saved_query, purpose="background")
    item.saved_query.refresh_from_db()


class Settled(Exception):
    """A look before sending found how it ends."""

    def __init__(self, outcome: str, detail: str) -> None:
        super().__init__(detail)
        self.outcome, self.detail = outcome, detail


def look(item: CampaignItem) -> bool:
    """Before sending, since the mirror may be old; false where PostHog cannot be read. Raises Settled and Wait."""
    try:
        read(item)
    except posthog_errors.RateLimited as error:
        raise Wait(error.retry_after or WAIT, "PostHog's rate limit") from error
    except posthog_errors.NotFound as error:
        if error.object_missing:
            raise Settled(Outcome.FAILED, GONE) from error
        return False
    except (posthog_errors.PostHogError, UserError):
        return False
    return True


def ruled_out(view: SavedQuery) -> Verdict | None:
    """What holds for every act: gone and managed views are left alone."""
    if view.deleted_at:
        return Outcome.FAILED, GONE
    if view.is_managed:
        return Outcome.IGNORED, KEPT_BY_POSTHOG
    return None


def by_mutation(mutation: Mutation) -> Verdict | None:
    """The outcome where the gate itself knows that nothing was done, or does not know; None where it happened."""
    if mutation.state == Mutation.State.HAPPENED:
        return None
    if mutation.state == Mutation.State.DID_NOT_HAPPEN:
        return Outcome.FAILED, f"{answer_of(mutation)} {DID_NOT_HAPPEN}".lstrip()
    if mutation.state in NOT_DONE:
        return Outcome.FAILED, mutation.error or "PostHog refused the request."
    return Outcome.UNKNOWN, NO_ANSWER


def answer_of(mutation: Mutation) -> str:
    """PostHog's answer to a request that failed, in its own words; empty where none came."""
    return str((mutation.remote or {}).get("answer") or "")


def did_not_run(item: CampaignItem) -> bool:
    """Whether the run that was due after the act stayed away, by what was read of PostHog since."""
    view, sent_at = item.saved_query, item.sent_at
    if sent_at is None or item.due_at is None or view.synced_at is None or view.synced_at <= item.due_at:
        return False
    if view.last_run_at is not None and view.last_run_at > sent_at:
        return False
    return not Run.objects.filter(saved_query=view, started_at__gt=sent_at).exists()

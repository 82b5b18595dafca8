"""What reading PostHog cannot tell, decided by a person: whether a new view without an answer was made."""

from __future__ import annotations

import uuid
from contextlib import closing
from typing import Any

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import User
from warehouse_admin.core.errors import Unavailable
from warehouse_admin.mutations import elsewhere, trace
from warehouse_admin.mutations.kinds import kind_of
from warehouse_admin.mutations.models import CANDIDATES, Mutation
from warehouse_admin.mutations.outcome import State, conclude
from warehouse_admin.mutations.rows import Snapshot
from warehouse_admin.mutations.words import sentence
from warehouse_admin.posthog import errors

DECIDED_BY = "decided_by"
"""In the evidence: the user name of the person who decided."""
LOOK_SECONDS = 5.0


def candidates(mutation: Mutation | None) -> list[dict[str, Any]]:
    """The views one of which may be what was made, as the last look found them; none where no person is asked."""
    if mutation is None or mutation.state != State.UNCONFIRMED or not kind_of(mutation).makes:
        return []
    return mutation.remote.get(CANDIDATES) or []


def decided_by(mutation: Mutation) -> str:
    """The user name of the person whose word ended it; empty where PostHog told."""
    return str(mutation.remote.get(DECIDED_BY) or "")


def made_as(mutation: Mutation, view_id: str) -> Snapshot:
    """What a candidate is kept as, if it is said to be ours; asks PostHog. Raises Unavailable."""
    try:
        with closing(
            accounts.client_for(mutation.connection, purpose="interactive", read_timeout=LOOK_SECONDS)
        ) as client:
            found = elsewhere.found(client, mutation, view_id, "")
    except errors.PostHogError as error:
        raise Unavailable(f"{sentence(error)} Nothing was decided: try again.") from error
    return trace.kept(mutation, found)


def decide(mutation_id: uuid.UUID, *, by: User, reason: str, made: Snapshot | None) -> Mutation | None:
    """End an unconfirmed create by a person's word: `made` is the view that it made, None that it made none.

    None when it came to an end otherwise in the meantime. Whether the person may is for the caller to ask.
    """
    mutation = Mutation.objects.select_related("connection", "actor").get(pk=mutation_id)
    known = [row["id"] for row in candidates(mutation)]
    if not known or (made is not None and made["id"] not in known):
        return None
    if made is None:
        state, said = State.DID_NOT_HAPPEN, f"{by.display_name} looked and said that PostHog made nothing."
    else:
        state, said = (
            State.HAPPENED,
            f"{by.display_name} looked and said that {_named(mutation, made)} is what was made.",
        )
    evidence = {"settled": True, DECIDED_BY: by.get_username()}
    mutation = conclude(mutation, state, said=said, after=made, remote=evidence, by=by, reason=reason)
    return mutation if mutation.state == state and decided_by(mutation) == by.get_username() else None


def _named(mutation: Mutation, made: Snapshot) -> str:
    """By the name that the candidate has now: what is kept of it has the name that it was made with."""
    return next((row["name"] for row in candidates(mutation) if row["id"] == made["id"]), "") or made["id"]

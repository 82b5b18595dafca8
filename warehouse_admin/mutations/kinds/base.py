"""What a kind of write is made of, and the parts that several kinds share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from warehouse_admin.core.digests import json_digest
from warehouse_admin.mutations.models import Mutation
from warehouse_admin.mutations.rows import Remote, Snapshot, restore
from warehouse_admin.posthog import reads
from warehouse_admin.posthog.client import Client
from warehouse_admin.posthog.types import ActivityEntry, SavedQuery

Live = SavedQuery | None
Found = Any
"""A view, a table or None: each kind knows which."""
Judge = Callable[[Mutation, Found], "Standing"]
Look = Callable[[Client, Mutation], "tuple[Standing, Found]"]


class Standing(Enum):
    """What PostHog holds, seen from what was asked for."""

    DONE = "it holds what was asked for"
    BASE = "it holds what the asker saw"
    OTHER = "it holds something else"
    UNTOLD = "reading does not tell"


@dataclass(frozen=True)
class Request:
    """The write as it goes out, for the record."""

    method: str
    path: str
    body: dict[str, Any]

    def evidence(self, client: Client) -> dict[str, Any]:
        path = f"/api/{client.path_prefix}/{client.project_id}/{self.path}"
        return {"method": self.method, "path": path, "body_digest": json_digest(self.body)}


class Decided(Exception):
    """Raised by a kind's `write` whose answer already says how it ended; `live` is what PostHog holds instead."""

    def __init__(
        self, state: Mutation.State, said: str, *, status: int | None, live: Remote | None = None, result: str = ""
    ) -> None:
        super().__init__(said)
        self.state, self.said, self.status, self.live = state, said, status, live
        self.result = result  # in the audit trail, where it is not what the state stands for


@dataclass(frozen=True)
class Words:
    """How a kind of write names its outcomes to people."""

    already: str = "PostHog already held it so, so nothing was sent."
    conflict: Callable[[Mutation, Found], str] = lambda mutation, live: (
        "PostHog holds something else than what this was written against, so nothing was sent."
    )
    showed_other: str = "PostHog accepted it and then showed something else."
    changed_again: str = "PostHog saved it; somebody changed the view again right afterwards."
    former: str = "PostHog was read again and still shows the former state: it did not happen."
    third: str = "it shows neither the former state nor the one that was asked for"


@dataclass(frozen=True)
class Trace:
    """How PostHog's own log of a view tells that this kind of write happened, whatever the view holds by now."""

    tells: Callable[[Mutation, ActivityEntry], bool]
    concerns: Callable[[ActivityEntry], bool]  # an entry that tells of the same field, whoever changed it
    left: Callable[[Mutation], dict[str, Any]]  # what the view then held, as parts of a snapshot
    needs_sequel: bool = False  # only believed where a later entry tells why it is otherwise now


def own_id(mutation: Mutation) -> str:
    return mutation.object_id


def nothing_to_add(mutation: Mutation, live: Found) -> str:
    return ""


def check_view(mutation: Mutation) -> None:
    """ValueError for an id that is no uuid."""
    UUID(mutation.object_id)


def read_view(client: Client, mutation: Mutation) -> Live:
    """The live view; NotFound when it is gone."""
    return reads.get_saved_query(client, mutation.object_id)


@dataclass(frozen=True)
class Kind:
    """`read` gives the live object, None where there is none or many are concerned. `standing` is asked before sending.

    After sending `look` reads and judges; `judge` is asked about the answer to the write itself.
    """

    action: str  # in the audit trail
    capability: str
    standing: Judge
    request: Callable[[Mutation, Found], Request]
    write: Callable[[Client, Mutation, Found], Found]
    look: Look
    judge: Judge
    shown: Callable[[dict[str, Any]], dict[str, Any]]  # the part of a row or payload that the audit trail keeps
    check: Callable[[Mutation], None] = check_view  # raises ValueError for a payload that must never be sent
    read: Callable[[Client, Mutation], Found] = read_view
    restore: Callable[[Snapshot], Remote] = restore  # the object that a snapshot was taken of
    target: str = "saved_query"  # the type of its object in the audit trail
    locks: bool = True  # one at a time for each object
    reads_back: bool = True
    refusal: Callable[[Mutation, Found], str] = nothing_to_add  # why this server must not be sent it at all
    words: Words = Words()
    note: Callable[[Mutation, Found], str] = nothing_to_add  # what a person has to know though it happened
    lock_id: Callable[[Mutation], str] = own_id
    makes: bool = False  # its object has no id before it happened
    trace: Trace | None = None

    @property
    def noun(self) -> str:
        """What its object is to people."""
        return "table" if self.target == "table" else "view"


def looking(judge: Judge) -> Look:
    """Read the one view and judge it."""

    def look(client: Client, mutation: Mutation) -> tuple[Standing, Live]:
        live = read_view(client, mutation)
        return judge(mutation, live), live

    return look


def always_base(mutation: Mutation, live: Found) -> Standing:
    return Standing.BASE


def path_of(mutation: Mutation, action: str = "") -> str:
    return reads.path_to(reads.SAVED_QUERIES, mutation.object_id, action)


def part(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Only these fields of a row."""
    return lambda row: {name: row[name] for name in names if name in row}


def logged_values(entry: ActivityEntry, field: str) -> tuple[Any, Any] | None:
    """Before and after of one field as a log entry has them; None when it says nothing of it."""
    for change in entry.changes:
        if change.get("field") == field:
            return change.get("before"), change.get("after")
    return None

"""What PostHog itself says against a text in an editor: asked at most now and then, and remembered for each text."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from django.core.cache import cache

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.policies import allows
from warehouse_admin.accounts.roles import PROPOSE
from warehouse_admin.core.digests import text_digest
from warehouse_admin.lineage.checks import Problem
from warehouse_admin.lineage.parser import position
from warehouse_admin.mutations.words import sentence
from warehouse_admin.posthog import errors, queries
from warehouse_admin.posthog.queries import Remark

SECONDS = 4.0
KEPT_FOR = 600
PAUSE = 2
"""Seconds between two questions of one person: the limit of the key is for all of them."""


@dataclass(frozen=True)
class Checked:
    """Its problems; or, with none, whether PostHog was asked and `why_not` if it was not.

    `again_in`: seconds after which asking once more is worth it; 0 where it is not.
    """

    problems: list[Problem] = field(default_factory=list)
    was_asked: bool = False
    why_not: str = ""
    again_in: int = 0


@dataclass(frozen=True)
class Answer:
    """The same for a text that is handed in, with how long PostHog took; `why_not` where it was not asked."""

    problems: list[Problem] = field(default_factory=list)
    why_not: str = ""
    took_ms: int = 0


def answer(user: User, connection: Connection, query: str) -> Answer:
    """What PostHog says to a text that is handed in. Never within a transaction.

    What it told an editor a moment ago counts. Else it is asked at once, but only where it is known to answer: nobody
    waits, when handing something in, for a server that may not do this.
    """
    began = time.perf_counter()
    if accounts.capability(connection, "validate").state != "yes" and not was_told(connection, query):
        return Answer(why_not="PostHog was not asked: it is not known whether this server checks texts for this key.")
    found = check(user, connection, query, pause=False)
    taken = round((time.perf_counter() - began) * 1000)
    return Answer(found.problems, found.why_not, taken)


def check(user: User, connection: Connection, query: str, *, pause: bool = True) -> Checked:
    """Never raises for PostHog: an editor goes on without it. `pause`: not twice in a moment for the same person."""
    key = _key(connection, query)
    remarks: list[Remark] | None = cache.get(key)
    if remarks is None:
        if why_not := _why_not(user, connection):
            return Checked(why_not=why_not)
        # `add` is one step for all processes: whoever comes second does not ask.
        if pause and not cache.add(f"changes.asking.{user.pk}", 1, PAUSE):
            return Checked(again_in=PAUSE)
        try:
            remarks = _ask(connection, query)
        except errors.PostHogError as error:
            accounts.learn(connection, "validate", error)
            return Checked(why_not=sentence(error, "query"))
        accounts.learn(connection, "validate", None)
        cache.set(key, remarks, KEPT_FOR)
    return Checked([_problem(query, one) for one in remarks], was_asked=True)


def was_told(connection: Connection, query: str) -> bool:
    """Whether PostHog's word about this text is remembered."""
    return cache.get(_key(connection, query)) is not None


def _key(connection: Connection, query: str) -> str:
    return f"changes.checked.{connection.pk}.{text_digest(query)}"


def _why_not(user: User, connection: Connection) -> str:
    known = accounts.capability(connection, "validate")
    if known.state == "no":
        return known.reason
    if not allows(user, PROPOSE) or not connection.is_active or connection.key_refused_at:
        return "PostHog is not asked."
    return ""


def _ask(connection: Connection, query: str) -> list[Remark]:
    client = accounts.client_for(connection, purpose="interactive", read_timeout=SECONDS)
    try:
        return queries.check(client, query, timeout=SECONDS)
    finally:
        client.close()


def _problem(query: str, remark: Remark) -> Problem:
    offset = min(max(remark.start or 0, 0), len(query))
    line, column = position(query, offset)
    level = "error" if remark.is_error else "warning"
    return Problem(f"PostHog: {remark.message}"[:500], line, column, offset, level)  # type: ignore[arg-type]

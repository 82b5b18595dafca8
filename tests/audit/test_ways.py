"""Whatever is asked together, and whichever index answers it: every entry that matches, once, in order."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from django.http import QueryDict

from warehouse_admin.accounts.models import User
from warehouse_admin.audit import searching, selectors, services
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core import context

pytestmark = pytest.mark.django_db

FIELDS = {"actor": "actor_name", "kind": "actor_kind", "result": "result", "connection": "connection", "ip": "ip"}
ASKED = {
    "actor": ("author", "reviewer", "-author", "nobody"),
    "kind": ("token", "system", "-person"),
    "result": ("denied", "-ok"),
    "action": ("change.", "sync.finished", "-change."),
    "connection": ("eu", "-eu"),
    "ip": ("192.0.2.1", "-192.0.2.1"),
    "q": ("quarterly",),
}
SIZE = 4


@pytest.fixture
def entries(author: User, reviewer: User, monkeypatch: pytest.MonkeyPatch) -> list[AuditEntry]:
    """Sixty of them, of all sorts; newest first. A walk sees few at once, so that most searches go beyond it."""
    monkeypatch.setattr(searching, "NEAR", 5)
    chosen = random.Random(11)
    for _ in range(60):
        actor = chosen.choice((author, author, reviewer, None))
        by_token = actor is not None and chosen.random() < 0.3
        come_from = context.RequestContext(
            ip=chosen.choice(("192.0.2.1", "192.0.2.2")) if actor else "", token_name="nightly" if by_token else ""
        )
        with context.use(come_from):
            services.record(
                actor=actor,
                action=chosen.choice(("change.submitted", "change.approved")) if actor else "sync.finished",
                result=chosen.choice(("ok", "ok", "denied")),
                connection=chosen.choice(("eu", "us")),
                reason=chosen.choice(("Quarterly numbers", "")),
            )
    return list(AuditEntry.objects.order_by("-sequence"))


def matches(entry: AuditEntry, asked: dict[str, str]) -> bool:
    return all(_has(entry, name, value.removeprefix("-")) != value.startswith("-") for name, value in asked.items())


def _has(entry: AuditEntry, name: str, value: str) -> bool:
    if name == "q":
        return value in entry.reason.lower()
    if name == "action":
        return entry.action.startswith(value) if value.endswith(".") else entry.action == value
    return getattr(entry, FIELDS[name]) == value


def paged(user: User, asked: dict[str, str]) -> tuple[list[int], list[int]]:
    """All numbers that one finds by going to older pages, then by going back from the last of them."""
    query = QueryDict(mutable=True)
    query.update(asked)
    found = selectors.search(selectors.entries_for(user, sees_all=True), query)
    way = selectors.way_of(query, sees_all=True)

    def walk(page: str, direction: str) -> list[Any]:
        windows = [selectors.window(found, page, SIZE, way=way)]
        while page := getattr(windows[-1], direction):
            windows.append(selectors.window(found, page, SIZE, way=way))
        return windows

    older = walk("", "older")
    back = walk(older[-1].newer, "newer") if older[-1].newer else []
    down = [entry.sequence for window in older for entry in window.entries]
    up = [entry.sequence for window in reversed(back) for entry in window.entries]
    return down, up + [entry.sequence for entry in older[-1].entries]


@pytest.mark.parametrize("together", [1, 2, 3])
def test_every_entry_that_matches_is_found_once_in_order(
    author: User, entries: list[AuditEntry], together: int
) -> None:
    asked_for = 0
    for names in itertools.combinations(ASKED, together):
        for values in itertools.islice(itertools.product(*(ASKED[name] for name in names)), 6):
            asked = dict(zip(names, values, strict=True))
            expected = [entry.sequence for entry in entries if matches(entry, asked)]
            assert paged(author, asked) == (expected, expected), asked
            asked_for += bool(expected)
    assert asked_for  # not all of them contradict themselves

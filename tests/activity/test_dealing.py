"""Everything a person can do with an entry: its effect, its trace in the trail, a second click, and taking it back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.activity.conftest import EDITED, sync
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.activity import services
from warehouse_admin.activity.errors import BadReview, MovedOn, NotPossible
from warehouse_admin.activity.filters import WAITING, folder_conditions
from warehouse_admin.activity.models import ActivityEntry, Step
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.core.errors import NotPermitted, UserError
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db
ANA = "ana@harborgoods.example"


@pytest.fixture
def entry(connection: Connection) -> ActivityEntry:
    return ActivityEntry.objects.create(
        connection=connection,
        source="outside",
        kind="edited",
        object_name="orders",
        author=ANA,
        occurred_at=timezone.now(),
        needs_review=True,
    )


def trail(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=f"activity.{action}").order_by("sequence"))


def waits() -> bool:
    return ActivityEntry.objects.filter(WAITING).exists()


def in_folder(user: User, name: str) -> bool:
    return ActivityEntry.objects.filter(folder_conditions(user.pk)[name]).exists()


Deed = Callable[[User, ActivityEntry], Any]
DEEDS: dict[str, tuple[str, Deed]] = {
    "accept": ("reviewed", lambda user, one: services.review(user=user, entry=one, verdict="accepted", note="ok")),
    "flag": ("reviewed", lambda user, one: services.review(user=user, entry=one, verdict="flagged", note="why?")),
    "adopt": ("adopted", lambda user, one: services.adopt(user=user, entry=one, note="agreed")),
    "assign": ("assigned", lambda user, one: services.assign(user=user, entry=one, to=user.username)),
    "snooze": ("snoozed", lambda user, one: services.snooze(user=user, entry=one, until=TOMORROW)),
    "ask": ("asked", lambda user, one: services.ask(user=user, entry=one, text="What for?")),
}
TOMORROW = timezone.now() + timedelta(days=1)


@pytest.mark.parametrize("name", list(DEEDS))
def test_each_deed_takes_it_out_of_the_inbox_once_and_undo_brings_it_back(
    name: str, entry: ActivityEntry, reviewer: User
) -> None:
    word, deed = DEEDS[name]

    deed(reviewer, entry)
    deed(reviewer, entry)

    assert not waits()
    row, *again = trail(word)
    assert len(again) == (1 if word == "reviewed" else 0)  # to say the same twice is on record twice
    assert (row.actor, row.result, row.object_id) == (reviewer, "ok", str(entry.pk))
    assert row.before != row.after
    assert Step.objects.count() == 1

    services.undo(user=reviewer)
    services.undo(user=reviewer, batch=Step.objects.get().batch)

    assert waits()
    (undone,) = trail("undone")
    assert (undone.after, undone.actor) == (row.before | {key: undone.after[key] for key in undone.after}, reviewer)
    assert not ActivityEntry.objects.get(pk=entry.pk).questions.exists()


@pytest.mark.parametrize("name", list(DEEDS))
def test_who_may_not_review_may_do_none_of_it(name: str, entry: ActivityEntry, author: User) -> None:
    with pytest.raises(NotPermitted) as refusal:
        DEEDS[name][1](author, entry)

    assert refusal.value.action == f"activity.{DEEDS[name][0]}"
    assert waits()


def test_nothing_is_taken_back_that_another_has_dealt_with_since(
    entry: ActivityEntry, reviewer: User, auditor: User
) -> None:
    services.review(user=reviewer, entry=entry, verdict="accepted")
    services.review(user=auditor, entry=entry, verdict="flagged", note="no")

    with pytest.raises(MovedOn):
        services.undo(user=reviewer)

    assert ActivityEntry.objects.get(pk=entry.pk).verdict == "flagged"


def test_after_ten_minutes_it_stands(entry: ActivityEntry, reviewer: User) -> None:
    services.review(user=reviewer, entry=entry, verdict="accepted")
    Step.objects.update(at=timezone.now() - timedelta(minutes=11))

    with pytest.raises(NotPossible):
        services.undo(user=reviewer, batch=Step.objects.get().batch)

    assert ActivityEntry.objects.get(pk=entry.pk).verdict == "accepted"


def test_nobody_takes_back_what_another_did(entry: ActivityEntry, reviewer: User, auditor: User) -> None:
    services.review(user=reviewer, entry=entry, verdict="accepted")

    with pytest.raises(NotPossible):
        services.undo(user=auditor, batch=Step.objects.get().batch)


def test_an_assigned_entry_is_in_that_persons_folder_alone(entry: ActivityEntry, reviewer: User, auditor: User) -> None:
    services.assign(user=reviewer, entry=entry, to="auditor")

    assert in_folder(auditor, "mine") and not in_folder(reviewer, "mine")
    assert trail("assigned")[0].after["assignee"] == "auditor"
    services.assign(user=reviewer, entry=entry, to="")
    assert waits()


@pytest.mark.parametrize("to", ["author", "nobody"])
def test_only_who_may_deal_with_it_is_given_it(to: str, entry: ActivityEntry, reviewer: User, author: User) -> None:
    with pytest.raises(BadReview):
        services.assign(user=reviewer, entry=entry, to=to)


def test_a_snoozed_entry_comes_back_by_itself(entry: ActivityEntry, reviewer: User) -> None:
    services.snooze(user=reviewer, entry=entry, until=TOMORROW)
    assert in_folder(reviewer, "snoozed")

    ActivityEntry.objects.update(snoozed_until=timezone.now() - timedelta(seconds=1))

    assert waits() and not in_folder(reviewer, "snoozed")


@pytest.mark.parametrize("days", [-1, 91])
def test_snoozing_into_the_past_or_far_away_is_refused(days: int, entry: ActivityEntry, reviewer: User) -> None:
    with pytest.raises(BadReview):
        services.snooze(user=reviewer, entry=entry, until=timezone.now() + timedelta(days=days))


def test_a_question_is_in_the_folder_of_the_author_who_answers_it(
    entry: ActivityEntry, reviewer: User, person: Callable[..., User]
) -> None:
    ana = person("ana", Role.EDITOR)
    User.objects.filter(pk=ana.pk).update(email=ANA.upper())
    services.ask(user=reviewer, entry=entry, text="What for?")
    assert in_folder(ana, "mine") and in_folder(reviewer, "mine")

    services.answer(user=ana, entry=entry, text="The fiscal year moved")

    assert not in_folder(ana, "mine") and in_folder(reviewer, "mine")
    assert trail("answered")[0].reason == "The fiscal year moved"
    assert entry.questions.get().answered_by == ana


def test_nobody_else_answers_for_the_author(entry: ActivityEntry, reviewer: User, author: User) -> None:
    services.ask(user=reviewer, entry=entry, text="What for?")

    with pytest.raises(NotPermitted):
        services.answer(user=author, entry=entry, text="because")

    assert entry.questions.get().answer == ""


def test_nobody_can_be_asked_where_nobody_is_named(entry: ActivityEntry, reviewer: User) -> None:
    ActivityEntry.objects.update(author="")
    entry.refresh_from_db()

    with pytest.raises(NotPossible, match="nobody to ask"):
        services.ask(user=reviewer, entry=entry, text="Who?")


@pytest.mark.parametrize(
    ("source", "kind"), [("portal", "edited"), ("system", "suspended"), ("outside", "run_started")]
)
def test_only_outside_changes_are_adopted(source: str, kind: str, entry: ActivityEntry, reviewer: User) -> None:
    ActivityEntry.objects.update(source=source, kind=kind)
    entry.refresh_from_db()

    with pytest.raises(NotPossible):
        services.adopt(user=reviewer, entry=entry)


def test_reopening_puts_it_back_before_everybody(entry: ActivityEntry, reviewer: User) -> None:
    services.assign(user=reviewer, entry=entry, to="reviewer")
    services.review(user=reviewer, entry=entry, verdict="accepted", note="ok")

    services.reopen(user=reviewer, entry=entry)

    assert waits()
    assert trail("reopened")[0].before["verdict"] == "accepted"


# a revert


@pytest.fixture
def outside_edit(known: Connection, sandbox: SandboxServer) -> Callable[..., ActivityEntry]:
    """What somebody did past us to one view, as the inbox has it."""

    def make(hand: str, *values: str, view: str = EDITED) -> ActivityEntry:
        getattr(sandbox.world, hand)(view, *values)
        sync(known)
        return ActivityEntry.objects.filter(needs_review=True).latest("pk")

    return make


def test_a_revert_is_a_draft_with_what_was_before(outside_edit: Callable[..., ActivityEntry], reviewer: User) -> None:
    entry = outside_edit("edit_outside", "SELECT 'wrong' AS mark")
    before = (entry.before or {})["query"]

    _, number = services.open_revert(user=reviewer, entry=entry)
    again = services.open_revert(user=reviewer, entry=entry)[1]

    change = ChangeRequest.objects.get()
    assert (change.pk, change.state, change.action, change.author) == (number, "draft", "edit_query", reviewer)
    assert change.revisions.get().proposal["query"] == before
    assert again == number
    held = ActivityEntry.objects.get(pk=entry.pk)
    assert (held.verdict, held.revert_number) == ("revert", number)
    (row,) = trail("revert")
    assert row.after["revert"] == number

    services.undo(user=reviewer)

    change.refresh_from_db()
    assert change.state == "withdrawn"
    assert waits()
    assert services.open_revert(user=reviewer, entry=entry)[1] != number


@pytest.mark.parametrize(
    ("hand", "value", "action", "proposal"),
    [
        ("set_cadence_outside", "7day", "set_cadence", {"sync_frequency": "24hour"}),
        ("rename_outside", "other_name", "rename", {"name": "plain"}),
        ("unmaterialize_outside", None, "materialize", {}),
        ("delete_outside", None, "create_view", {"name": "plain"}),
    ],
)
def test_name_cadence_and_table_are_put_back_too(
    hand: str,
    value: str | None,
    action: str,
    proposal: dict[str, str],
    known: Connection,
    sandbox: SandboxServer,
    outside_edit: Callable[..., ActivityEntry],
    reviewer: User,
) -> None:
    sandbox.world.create_outside("plain", "SELECT 1")
    if action in ("rename", "create_view"):  # a table of the old name would stand in the way
        view = "plain"
    else:
        view = EDITED
        sandbox.world.materialize_outside(EDITED, "24hour")
    sync(known)
    entry = outside_edit(hand, *([value] if value else []), view=view)

    services.open_revert(user=reviewer, entry=entry)

    change = ChangeRequest.objects.get()
    assert change.action == action
    assert change.revisions.get().proposal | proposal == change.revisions.get().proposal


def test_a_revert_that_went_on_is_not_taken_back(outside_edit: Callable[..., ActivityEntry], reviewer: User) -> None:
    from warehouse_admin.changes import services as changes

    entry = outside_edit("edit_outside", "SELECT 'wrong' AS mark")
    services.open_revert(user=reviewer, entry=entry)
    changes.submit(ChangeRequest.objects.get(), reviewer)

    with pytest.raises(UserError, match="withdraw it on its own page"):
        services.undo(user=reviewer)

    assert ActivityEntry.objects.get(pk=entry.pk).verdict == "revert"


@pytest.mark.parametrize("kind", ["run_started", "suspended", "overdue", "resumed", "edited"])
def test_what_cannot_be_put_back_says_why(kind: str, entry: ActivityEntry, reviewer: User) -> None:
    ActivityEntry.objects.update(kind=kind)
    entry.refresh_from_db()

    with pytest.raises(NotPossible) as refusal:
        services.open_revert(user=reviewer, entry=entry)

    assert refusal.value.message
    assert not ChangeRequest.objects.exists()


# many at once


def test_all_that_was_seen_is_accepted_and_nothing_that_came_since(
    entry: ActivityEntry, connection: Connection, reviewer: User
) -> None:
    seen = timezone.now()
    matching = services.Matching("folder=unreviewed&q=orders", seen, 1)
    late = ActivityEntry.objects.create(
        connection=connection,
        source="outside",
        kind="edited",
        object_name="orders",
        occurred_at=seen,
        needs_review=True,
    )

    services.review_keys(user=reviewer, keys=services.keys_of(reviewer, matching), verdict="accepted", note="all fine")

    assert list(ActivityEntry.objects.filter(WAITING)) == [late]
    assert [row.reason for row in trail("reviewed")] == ["all fine"]
    with pytest.raises(MovedOn):
        services.keys_of(reviewer, services.Matching("folder=unreviewed", timezone.now(), 0))


def test_one_undo_takes_a_whole_bulk_back(connection: Connection, reviewer: User, auditor: User) -> None:
    rows = [
        ActivityEntry(
            connection=connection, source="outside", kind="edited", occurred_at=timezone.now(), needs_review=True
        )
        for _ in range(3)
    ]
    keys = [row.pk for row in ActivityEntry.objects.bulk_create(rows)]

    services.assign_keys(user=reviewer, keys=keys, to="auditor")
    assert ActivityEntry.objects.filter(assignee=auditor).count() == 3
    services.undo(user=reviewer)

    assert ActivityEntry.objects.filter(WAITING).count() == 3
    assert (len(trail("assigned")), len(trail("undone"))) == (3, 3)

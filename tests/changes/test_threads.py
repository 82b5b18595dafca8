"""Threads about lines: who says what, where they stand in later revisions, and what they hold back."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection as database

from tests.changes.conftest import NEW_SQL
from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeEvent, ChangeRequest, Thread, ThreadComment
from warehouse_admin.changes.threads import MOST_LINES, Said
from warehouse_admin.core.errors import InvalidInput, Missing, NotPermitted, UserError

State = ChangeRequest.State
LINES = "SELECT\n    order_id,\n    1 AS one\nFROM stg_app_orders\n"


@pytest.fixture
def change(proposed: Callable[..., ChangeRequest]) -> ChangeRequest:
    return proposed(LINES)


@pytest.fixture
def viewer(person: Callable[..., User]) -> User:
    return person("vic", Role.VIEWER)


def opened(change: ChangeRequest, user: User, said: str = "Why one?", **where: object) -> Thread:
    place = {"revision": change.revision_number, "side": "proposal", "place": (3, 3), **where}
    return services.open_thread(change, user, Said(said), **place)  # type: ignore[arg-type]


def revised(change: ChangeRequest, author: User, query: str) -> ChangeRequest:
    number = ChangeRequest.objects.get(pk=change.pk).revision_number
    return services.revise(change, author, query, number)


def now(thread: Thread, change: ChangeRequest) -> tuple[int, int] | None:
    thread.refresh_from_db()
    return thread.place_in(ChangeRequest.objects.get(pk=change.pk).revision_number)


def test_a_thread_is_on_record_with_its_lines(change, reviewer):
    thread = opened(change, reviewer, place=(2, 3))

    assert (thread.quoted, thread.lines, thread.opened_by) == ("    order_id,\n    1 AS one", "lines 2–3", reviewer)
    entry = AuditEntry.objects.get(action="change.thread_opened")
    assert (entry.actor, entry.reason, entry.after["lines"]) == (reviewer, "Why one?", "lines 2–3")
    event = ChangeEvent.objects.get(kind="thread_opened")
    assert (event.text, event.thread) == ("lines 2–3", thread)


def test_whoever_sees_a_change_may_speak_and_nobody_else(change, viewer, person, proposed, author):
    assert opened(change, viewer).opened_by == viewer
    with pytest.raises(NotPermitted):
        opened(change, person("nobody"))
    draft = proposed(LINES, submit=False)
    with pytest.raises(NotPermitted):
        opened(draft, viewer)
    assert opened(draft, author).opened_by == author


@pytest.mark.parametrize(
    ("where", "field"),
    [
        ({"place": (0, 1)}, "line"),
        ({"place": (3, 2)}, "line"),
        ({"place": (5, 5)}, "line"),
        ({"place": (1, MOST_LINES + 1)}, "line"),
        ({"revision": 9}, "revision"),
        ({"revision": 2**40}, "revision"),
        ({"side": "remote"}, "side"),
        ({"said": " \u200b "}, "comment"),
        ({"said": "x" * 5_001}, "comment"),
        ({"said": "phx_" + "a" * 40}, "comment"),
    ],
)
def test_bad_input_names_its_field_and_nothing_is_kept(where, field, change, reviewer):
    with pytest.raises(InvalidInput) as refused:
        opened(change, reviewer, **where)

    assert field in refused.value.errors
    assert not Thread.objects.exists() and not AuditEntry.objects.filter(action="change.thread_opened").exists()


def test_what_proposes_no_text_has_no_lines(view, author, reviewer):
    rename = services.create(
        author=author, action="rename", saved_query=view, name="other_name", reason="why", submit=True
    )

    with pytest.raises(UserError, match="no lines to talk about"):
        opened(rename, reviewer)


def test_a_double_click_says_it_once_and_another_text_of_the_same_form_is_kept(change, reviewer):
    where = {"revision": 1, "side": "proposal", "place": (3, 3)}
    first = services.open_thread(change, reviewer, Said("Why?", nonce="form"), **where)
    again = services.open_thread(change, reviewer, Said("Why?", nonce="form"), **where)
    services.reply_in_thread(change, reviewer, first.pk, Said("And?", nonce="reply"))
    services.reply_in_thread(change, reviewer, first.pk, Said("And?", nonce="reply"))
    services.reply_in_thread(change, reviewer, first.pk, Said("And then?", nonce="reply"))

    assert first == again
    assert list(ThreadComment.objects.values_list("text", flat=True)) == ["Why?", "And?", "And then?"]
    assert AuditEntry.objects.filter(action="change.thread_replied").count() == 2


def test_the_same_form_for_another_change_says_it_there_too(change, proposed, reviewer):
    where = {"revision": 1, "side": "proposal", "place": (1, 1)}
    services.open_thread(change, reviewer, Said("Why?", nonce="form"), **where)

    assert services.open_thread(proposed(LINES), reviewer, Said("Why?", nonce="form"), **where).change != change


def test_a_thread_follows_its_line_or_is_outdated_and_comes_back(change, author, reviewer):
    thread, first = opened(change, reviewer), opened(change, reviewer, place=(1, 1))

    revised(change, author, "-- a note\n" + LINES)
    assert (now(thread, change), now(first, change)) == ((4, 4), (2, 2))

    revised(change, author, LINES.replace("1 AS one", "2 AS two"))
    assert (now(thread, change), now(first, change)) == (None, (1, 1))
    assert (thread.place_in(1), thread.place_in(2)) == ((3, 3), (4, 4))

    revised(change, author, LINES + "LIMIT 1\n")
    assert now(thread, change) == (3, 3)


def test_a_thread_on_an_older_revision_is_looked_for_in_the_newest(change, author, reviewer):
    revised(change, author, "-- a note\n" + LINES)

    thread = opened(change, reviewer, revision=1)

    assert (thread.place_in(1), thread.place_in(2)) == ((3, 3), (4, 4))


def test_a_thread_on_the_base_follows_a_rebase(change, author, reviewer, approved, sandbox, remote):
    thread = opened(change, reviewer, side="base", place=(1, 1))
    base = remote.sql
    sandbox.world.edit_outside(remote.name, "-- theirs\n" + base)
    services.withdraw(change, author)
    assert thread.quoted == base.split("\n")[0].rstrip("\r")
    other = services.create(author=author, saved_query=change.saved_query, query=LINES, reason="why", submit=True)
    beside = opened(other, reviewer, side="base", place=(2, 2))
    sandbox.world.edit_outside(remote.name, "-- more\n-- theirs, really other\n" + base + "\nLIMIT 5")
    approved(change=other)
    services.rebase(other, author, LINES)

    assert now(beside, other) == (3, 3)


def test_the_opener_the_author_and_reviewers_resolve_and_reopen_and_nobody_else(
    change, author, reviewer, viewer, person
):
    thread = opened(change, viewer)
    for user in (viewer, author, reviewer):
        services.resolve_thread(change, user, thread.pk)
        services.resolve_thread(change, user, thread.pk)
        thread.refresh_from_db()
        assert (thread.resolved_by, thread.is_resolved) == (user, True)
        services.reopen_thread(change, user, thread.pk, Said("Not yet"))
        thread.refresh_from_db()
        assert not thread.is_resolved

    with pytest.raises(NotPermitted, match="Only Vic|Only vic"):
        services.resolve_thread(change, person("other", Role.VIEWER), thread.pk)
    assert AuditEntry.objects.filter(action="change.thread_resolved").count() == 3
    assert ThreadComment.objects.filter(text="Not yet").count() == 3


def test_a_thread_of_another_change_is_none_of_this(change, proposed, reviewer):
    thread = opened(proposed(LINES), reviewer)

    for key in (thread.pk, 2**70):
        with pytest.raises(Missing):
            services.reply_in_thread(change, reviewer, key, Said("hm"))


def test_talk_is_bounded(change, reviewer, monkeypatch):
    monkeypatch.setattr("warehouse_admin.changes.threads.MOST_THREADS", 1)
    monkeypatch.setattr("warehouse_admin.changes.threads.MOST_COMMENTS", 2)
    thread = opened(change, reviewer)
    with pytest.raises(UserError, match="threads already"):
        opened(change, reviewer)
    services.reply_in_thread(change, reviewer, thread.pk, Said("two"))
    with pytest.raises(UserError, match="comments on lines already"):
        services.reply_in_thread(change, reviewer, thread.pk, Said("three"))


def test_threads_hold_nothing_back_unless_the_connection_says_so(change, reviewer, viewer, approve, remote):
    opened(change, viewer)

    assert approve(change).state == State.APPLIED
    assert remote.sql == LINES


def test_where_they_do_the_last_one_resolved_lets_it_go(
    change, connection, reviewer, viewer, approve, committed, remote
):
    connection.threads_block = True
    connection.save()
    threads = [opened(change, viewer), opened(change, viewer, place=(1, 1))]

    change = approve(change)
    services.settle_open()
    change.refresh_from_db()
    assert change.state == State.APPROVED and remote.sql != LINES

    services.resolve_thread(change, reviewer, threads[0].pk)
    change.refresh_from_db()
    assert change.state == State.APPROVED
    with committed():
        services.resolve_thread(change, viewer, threads[1].pk)
    change.refresh_from_db()
    assert change.state == State.APPLIED and remote.sql == LINES
    asked = AuditEntry.objects.get(action="change.apply_asked")
    assert asked.actor is None


def test_an_operator_is_told_what_is_to_be_resolved_first(change, connection, operator, viewer, approve):
    connection.threads_block, connection.apply_policy = True, "manual"
    connection.save()
    thread = opened(change, viewer)
    approve(change)

    with pytest.raises(UserError, match="1 thread about its lines is not resolved") as refused:
        services.apply(change, operator)
    assert refused.value.blockers[0]["kind"] == "fix"
    assert "by resolving" in refused.value.blockers[0]["who"]

    services.resolve_thread(change, viewer, thread.pk)
    change.refresh_from_db()
    assert change.state == State.APPROVED  # an operator applies here, whatever was in the way
    assert services.apply(change, operator).state == State.APPLYING


def test_what_was_said_is_about_text_as_it_is(change, reviewer):
    said = "“\u202e” <b>&amp; 💶\nand more"

    thread = opened(change, reviewer, said)

    assert thread.comments.get().text == said
    assert NEW_SQL not in thread.quoted


def test_the_database_keeps_threads_of_lines_only(change, reviewer):
    thread = opened(change, reviewer)

    with pytest.raises(Exception, match="changes_thread_lines"), database.cursor() as cursor:
        cursor.execute("UPDATE changes_thread SET last_line = 1 WHERE id = %s", [thread.pk])

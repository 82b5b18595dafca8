"""The numbers in the menu and on the tabs: counted once, kept while nothing is done, and right after everything is."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from warehouse_admin.accounts.models import User
from warehouse_admin.accounts.roles import Role, give_role
from warehouse_admin.changes import services
from warehouse_admin.changes.models import ChangeRequest


@pytest.fixture
def client(reviewer: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(reviewer)


def page(client: Client) -> str:
    return client.get(reverse("changes:list")).content.decode()


def in_menu(client: Client) -> int:
    found = re.search(r'rail-label">Changes</span>(?:<span class="rail-badge">(\d+))?', page(client))
    assert found
    return int(found[1] or 0)


def on_tab(client: Client, label: str) -> int:
    found = re.search(rf'{label}\s*<span class="tab-count">(\d+)', page(client))
    assert found, label
    return int(found[1])


def test_they_follow_what_people_do(client, proposed, reviewer):
    assert (in_menu(client), on_tab(client, "Open"), on_tab(client, "All")) == (0, 0, 0)
    change = proposed()
    assert (in_menu(client), on_tab(client, "My turn"), on_tab(client, "Open")) == (1, 1, 1)
    services.request_changes(change, reviewer, "name the columns")
    assert in_menu(client) == 0  # it is for the author to go on
    services.withdraw(change, change.author)
    assert (in_menu(client), on_tab(client, "Open"), on_tab(client, "Closed")) == (0, 0, 1)


def test_they_are_not_counted_again_while_nothing_is_done(client, proposed, reviewer):
    proposed()
    with CaptureQueriesContext(database) as first:
        page(client)
    with CaptureQueriesContext(database) as captured:
        assert in_menu(client) == 1
    begins = (
        'SELECT (SELECT COUNT(*) FROM (SELECT "changes_changerequest"',
        'SELECT "changes_changerequest"."state" AS',
    )
    assert [sum(one["sql"].startswith(begins) for one in queries) for queries in (first, captured)] == [2, 0]


def test_a_right_that_was_given_is_seen_at_once_even_where_the_trail_does_not_tell_of_it(
    client_of, operator, proposed, reviewer, connection
):
    connection.apply_policy = "manual"
    connection.save()
    services.approve(proposed(), reviewer)
    client = client_of(reviewer)
    assert in_menu(client) == 0
    give_role(reviewer, Role.OPERATOR)
    assert in_menu(client) == 1


def test_drafts_of_others_are_counted_for_those_alone_who_see_them(client, client_of, author, proposed):
    proposed(submit=False)
    assert on_tab(client, "All") == 0
    assert on_tab(client_of(author), "All") == 1
    assert ChangeRequest.objects.get().state == ChangeRequest.State.DRAFT

"""Whoever may say the second yes to a campaign hears of it on the home page, without being sent a link."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.schedules import services
from warehouse_admin.schedules.models import Campaign

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
Begin = Callable[..., Campaign]
Person = Callable[..., User]


@pytest.fixture
def waiting(synced: Connection, begin: Begin) -> Campaign:
    Connection.objects.update(guard_count=2, guard_percent=1, guard_second_person=True)
    names = list(SavedQuery.objects.filter(schedule_state="suspended").values_list("name", flat=True))
    return begin("resume", *names, confirm_count=len(names), reason="the source is back")


def test_it_is_on_the_home_page_of_who_may_confirm_with_the_starter_and_a_link(
    waiting: Campaign, person: Person, client_of: ClientOf
) -> None:
    second = client_of(person("second", Role.OPERATOR))
    page = second.get("/").content.decode()

    assert f'href="/schedules/resumes/{waiting.pk}/">Confirm bulk resume of {waiting.items.count()} views' in page
    assert "started by <bdi>operator</bdi>, waits for a second person: the source is back" in page
    assert "Nothing waits for you" not in page


def test_neither_its_starter_nor_who_may_not_is_asked(
    waiting: Campaign, operator: User, viewer: User, client_of: ClientOf
) -> None:
    for person in (operator, viewer):
        page = client_of(person).get("/").content.decode()
        assert "Confirm bulk" not in page
        assert "<bdi>operator</bdi>, waits for a second person" in page


def test_it_goes_once_it_is_confirmed(waiting: Campaign, person: Person, client_of: ClientOf) -> None:
    second = person("second", Role.OPERATOR)
    assert "Confirm bulk" in client_of(second).get("/").content.decode()

    services.confirm(campaign=waiting, user=second)

    assert "Confirm bulk" not in client_of(second).get("/").content.decode()


def test_it_comes_before_campaigns_that_need_nobody_and_costs_no_query_more(
    waiting: Campaign, person: Person, client_of: ClientOf
) -> None:
    second = client_of(person("second", Role.OPERATOR))
    second.get("/")
    with CaptureQueriesContext(database) as few:
        second.get("/")
    for number in range(9):
        Campaign.objects.create(connection=waiting.connection, action="run", method="run", reason=f"r{number}")

    with CaptureQueriesContext(database) as many:
        page = second.get("/").content.decode()

    assert page.index("Confirm bulk resume") < page.index("Bulk run")
    assert len(many) == len(few)

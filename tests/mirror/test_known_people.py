"""One person has one name, however much of it each source tells."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.utils import timezone

from tests.mirror.builders import make_view
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.mirror import known_people
from warehouse_admin.mirror.models import RemoteActivity

pytestmark = pytest.mark.django_db
ANA = "ana@example.com"


def line(connection: Connection, number: int, name: str, address: str = ANA) -> None:
    RemoteActivity.objects.create(
        connection=connection,
        entry_key=f"line-{number}",
        activity="updated",
        user_email=address,
        user_name=name,
        created_at=timezone.now(),
    )


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.delete(known_people.KEY)


@pytest.mark.parametrize("told", [("Ana", "Ana Ruiz"), ("Ana Ruiz", "Ana")])
def test_the_whole_name_goes_before_the_first_name_alone(connection: Connection, told: tuple[str, str]) -> None:
    make_view(connection, "orders", created_by_email=ANA, created_by_name=told[0])
    line(connection, 1, told[1])

    assert known_people.names()[ANA] == "Ana Ruiz"


def test_what_this_portal_calls_somebody_goes_before_all(connection: Connection) -> None:
    User.objects.create_user("ar", ANA, first_name="A.", last_name="R")
    line(connection, 1, "Ana Maria Ruiz")

    assert (known_people.names()[ANA], known_people.names()["ar"]) == ("A. R", "A. R")

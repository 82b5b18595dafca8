"""A suspension is known only as long as the server says it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.syncing import sync
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("older", ["A", "B", "C"])
def test_a_server_put_back_to_an_older_one_leaves_the_suspension_unknown(
    synced: Connection, sandbox: SandboxServer, older: str
) -> None:
    view = SavedQuery.objects.get(name="int_sessions")
    assert view.suspended and view.schedule_state == "suspended"
    sandbox.world.set_generation(older)

    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=True):
        sync(synced)

    view.refresh_from_db()
    assert view.suspended is None
    assert view.schedule_state != "suspended"


def test_reading_one_view_of_an_older_server_forgets_its_suspension(synced: Connection, sandbox: SandboxServer) -> None:
    view = SavedQuery.objects.get(name="int_sessions")
    sandbox.world.set_generation("C")

    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=True):
        mirror.read_live(view, purpose="background")

    view.refresh_from_db()
    assert view.suspended is None


def test_a_newest_server_that_says_it_once_more_is_believed(synced: Connection, sandbox: SandboxServer) -> None:
    sandbox.world.set_generation("C")
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=True):
        sync(synced)
    sandbox.world.set_generation("D")
    with time_machine.travel(timezone.now() + timedelta(minutes=2), tick=True):
        sync(synced)

    assert SavedQuery.objects.get(name="int_sessions").suspended

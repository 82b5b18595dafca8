"""A key that PostHog refuses: noted once, told everywhere, not used again, and mended by a check or another key."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.accounts.test_connections import form_for
from warehouse_admin.accounts import services
from warehouse_admin.accounts.errors import KeyRefused
from warehouse_admin.accounts.models import Connection, PersonalKey, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.posthog import errors, reads
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
OWN = "phx_authors_own_key_1"


def trail(*prefixes: str) -> list[tuple[str, str]]:
    """Action and result of the entries about keys, oldest first."""
    entries = AuditEntry.objects.filter(action__in=prefixes or ["connection.key_refused", "connection.key_accepted"])
    return list(entries.order_by("sequence").values_list("action", "result"))


def ask(connection: Connection) -> None:
    client = services.client_for(connection, purpose="background")
    with pytest.raises(errors.InvalidKey):
        reads.current_key(client)


@pytest.fixture
def refused(connection: Connection, sandbox: SandboxServer) -> Connection:
    """The connection, whose key was revoked and used since."""
    sandbox.world.revoke_key(sandbox.key)
    ask(connection)
    sandbox.world.requests.clear()
    return connection


def test_the_first_refusal_is_noted_and_told_without_the_key(refused: Connection, sandbox: SandboxServer) -> None:
    stored = Connection.objects.get()
    assert stored.key_refused_at is not None and refused.key_refused_at == stored.key_refused_at
    entry = AuditEntry.objects.get(action="connection.key_refused")
    assert (entry.actor, entry.result, entry.object_id, entry.connection) == (None, "failed", "demo", "demo")
    assert "store a working key" in entry.reason
    assert sandbox.key not in str(vars(entry))


def test_nothing_is_sent_with_it_any_more_and_the_refusal_says_what_to_do(
    refused: Connection, sandbox: SandboxServer, author: User
) -> None:
    loaded_before = Connection(pk=refused.pk, slug="demo", name="Demo", api_key=sandbox.key, host=sandbox.url)

    for use in (
        lambda: services.client_for(loaded_before, purpose="background"),
        lambda: services.client_for(refused, purpose="interactive"),
        lambda: services.writer_for(refused, author=author),
    ):
        with pytest.raises(KeyRefused, match="PostHog refuses the API key of Demo since .* store a working key"):
            use()
    assert "PostHog refuses" in services.why_no_writes(refused, author=author)
    assert sandbox.world.requests == []


@pytest.mark.django_db(transaction=True)
def test_many_who_are_told_at_once_say_it_once(connection: Connection, sandbox: SandboxServer) -> None:
    sandbox.world.revoke_key(sandbox.key)
    clients = threading.Barrier(6)

    def work() -> None:
        try:
            mine = Connection.objects.get()
            client = services.client_for(mine, purpose="background")
            clients.wait()
            with pytest.raises(errors.InvalidKey):
                reads.current_key(client)
        finally:
            database.close()

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert len([request for request in sandbox.world.requests if request.status == 401]) == 6
    assert trail() == [("connection.key_refused", "failed")]
    assert Connection.objects.get().key_refused_at is not None


def test_the_refusal_of_a_key_that_was_replaced_meanwhile_is_nothing_new(
    connection: Connection, sandbox: SandboxServer
) -> None:
    client = services.client_for(connection, purpose="background")
    sandbox.world.revoke_key(sandbox.key)
    sandbox.world.add_key("phx_another_working_1")
    Connection.objects.update(api_key="phx_another_working_1")
    connection.refresh_from_db()

    with pytest.raises(errors.InvalidKey):
        reads.current_key(client)

    assert (Connection.objects.get().key_refused_at, trail()) == (None, [])


def test_a_page_of_somebody_else_than_posthog_condemns_no_key(connection: Connection, sandbox: SandboxServer) -> None:
    sandbox.world.keys[sandbox.key].scopes = []
    client = services.client_for(connection, purpose="background")
    with pytest.raises(errors.PermissionDenied):
        reads.list_saved_queries(client)

    assert (Connection.objects.get().key_refused_at, trail()) == (None, [])


def test_a_key_of_two_connections_is_refused_for_both_and_told_once(
    connection: Connection, sandbox: SandboxServer, admin: User, client_of: ClientOf
) -> None:
    other = Connection.objects.create(
        slug="other", name="Other", host=sandbox.url, project_id="2", api_key=sandbox.key, budget_per_minute=0
    )
    sandbox.world.revoke_key(sandbox.key)
    ask(connection)
    sandbox.world.requests.clear()

    with pytest.raises(KeyRefused):
        services.client_for(other, purpose="background")
    [entry] = AuditEntry.objects.filter(action="connection.key_refused")
    assert entry.after == {"connections": ["demo", "other"]} and sandbox.world.requests == []
    assert "PostHog refused the API key of Demo and Other" in shown(client_of(admin), "dashboard:home")

    sandbox.world.restore_key(sandbox.key)
    services.check_connection(connection)

    assert not Connection.objects.exclude(key_refused_at=None).exists()
    assert trail("connection.key_accepted") == [("connection.key_accepted", "ok")]


# --- Mended ----------------------------------------------------------------------------------------------------------


def test_a_check_asks_all_the_same_and_a_key_accepted_again_is_used_again(
    refused: Connection, sandbox: SandboxServer, admin: User, client_of: ClientOf
) -> None:
    check = reverse("accounts:connection-check", args=["demo"])
    page = client_of(admin).post(check, follow=True)
    assert "does not accept this API key" in page.content.decode()
    assert len(sandbox.world.requests) == 1
    assert Connection.objects.get().key_refused_at is not None

    sandbox.world.restore_key(sandbox.key)
    page = client_of(admin).post(check, follow=True)

    assert "PostHog accepts the key" in page.content.decode() and "refused" not in page.content.decode()
    assert Connection.objects.get().key_refused_at is None
    assert trail() == [("connection.key_refused", "failed"), ("connection.key_accepted", "ok")]
    services.client_for(refused, purpose="background").close()


def test_the_command_checks_a_refused_key_too(refused: Connection, sandbox: SandboxServer) -> None:
    with pytest.raises(CommandError, match="does not accept this API key"):
        call_command("check_connection", "demo")
    sandbox.world.restore_key(sandbox.key)

    call_command("check_connection", "demo")

    assert Connection.objects.get().key_refused_at is None


def test_a_check_that_learns_nothing_of_the_key_leaves_it_refused(refused: Connection, sandbox: SandboxServer) -> None:
    sandbox.stop()

    services.check_connection(refused)

    assert Connection.objects.get().key_refused_at is not None


def test_that_a_former_key_is_accepted_says_nothing_of_the_stored_one(
    refused: Connection, sandbox: SandboxServer
) -> None:
    sandbox.world.add_key("phx_former_and_working")
    refused.api_key = "phx_former_and_working"  # as loaded before the other was stored

    services.check_connection(refused)

    assert Connection.objects.get().key_refused_at is not None


def test_another_key_is_used_at_once(
    refused: Connection, sandbox: SandboxServer, admin: User, client_of: ClientOf
) -> None:
    sandbox.world.add_key("phx_another_working_1")
    edit = reverse("accounts:connection-edit", args=["demo"])

    client_of(admin).post(edit, form_for(sandbox, slug="demo", api_key="phx_another_working_1"))

    stored = Connection.objects.get()
    assert (stored.key_refused_at, stored.check_error) == (None, "")
    assert trail() == [("connection.key_refused", "failed")]
    assert AuditEntry.objects.get(action="connection.updated").after["api_key_changed"] is True


def test_the_same_key_again_and_other_settings_mend_nothing(
    refused: Connection, sandbox: SandboxServer, admin: User, client_of: ClientOf
) -> None:
    edit = reverse("accounts:connection-edit", args=["demo"])
    for key in (sandbox.key, ""):
        client_of(admin).post(edit, form_for(sandbox, slug="demo", api_key=key, name="Renamed"))

    assert Connection.objects.get().key_refused_at is not None
    assert trail() == [("connection.key_refused", "failed")]


@pytest.mark.parametrize(
    ("hours", "bad", "due"), [(23, "", False), (25, "", True), (0.9, "It failed.", False), (1.1, "It failed.", True)]
)
def test_what_a_check_found_is_old_after_a_day_and_after_an_hour_if_it_was_bad(
    connection: Connection, hours: float, bad: str, due: bool
) -> None:
    assert not services.check_is_due(connection)
    connection.checked_at, connection.check_error = timezone.now() - timedelta(hours=hours), bad

    assert services.check_is_due(connection) is due


# --- A person's own key ----------------------------------------------------------------------------------------------


@pytest.fixture
def own(connection: Connection, sandbox: SandboxServer, author: User) -> PersonalKey:
    """The author's own key, which writes are to use, revoked by its owner and used since."""
    Connection.objects.update(key_policy=Connection.KeyPolicy.AUTHOR_IF_PRESENT)
    connection.refresh_from_db()
    sandbox.world.add_key(OWN)
    key = services.save_personal_key(user=author, connection=connection, api_key=OWN)
    sandbox.world.revoke_key(OWN)
    client, whose = services.writer_for(connection, author=author)
    assert whose == "author"
    with pytest.raises(errors.InvalidKey):
        reads.current_key(client)
    sandbox.world.requests.clear()
    return key


def test_a_refused_key_of_ones_own_stops_only_that_persons_writes(
    own: PersonalKey, connection: Connection, sandbox: SandboxServer, author: User, operator: User
) -> None:
    with pytest.raises(KeyRefused, match="author's own key for Demo since .* author has to store .* settings page"):
        services.writer_for(connection, author=author)

    assert services.writer_for(connection, author=operator)[1] == "connection"
    assert services.why_no_writes(connection, author=author) and not services.why_no_writes(connection, author=operator)
    assert Connection.objects.get().key_refused_at is None
    assert sandbox.world.requests == []
    entry = AuditEntry.objects.get(action="personal_key.refused")
    assert (entry.actor, entry.result, entry.connection) == (None, "failed", "demo")
    assert entry.after == {"connections": ["demo"], "person": "author"} and OWN not in str(vars(entry))


def test_its_owner_is_told_on_the_settings_page_and_stores_a_working_one(
    own: PersonalKey, sandbox: SandboxServer, author: User, client_of: ClientOf
) -> None:
    client = client_of(author)
    assert "PostHog refused your key" in client.get(reverse("accounts:settings")).content.decode()

    sandbox.world.restore_key(OWN)
    page = client.post(reverse("accounts:key-save", args=["demo"]), {"api_key": OWN}, follow=True)

    assert "PostHog refused your key" not in page.content.decode()
    assert PersonalKey.objects.get().key_refused_at is None
    assert trail("personal_key.refused", "personal_key.saved")[1:] == [
        ("personal_key.refused", "failed"),
        ("personal_key.saved", "ok"),
    ]


# --- Where people see it ---------------------------------------------------------------------------------------------


def shown(client: Client, name: str, *args: str) -> str:
    return " ".join(client.get(reverse(name, args=args)).content.decode().split())


@pytest.mark.parametrize("name", ["dashboard:home", "mirror:view-list", "changes:list", "mirror:sync-list"])
def test_every_page_tells_of_a_refused_key_while_it_is_one(
    refused: Connection, viewer: User, admin: User, client_of: ClientOf, name: str
) -> None:
    edit = reverse("accounts:connection-edit", args=["demo"])
    text = shown(client_of(viewer), name)
    assert "PostHog refused the API key of Demo" in text and "until an administrator stores a working one" in text
    assert edit not in text
    text = shown(client_of(admin), name)
    assert "until you store a working one" in text and f'href="{edit}">Demo<' in text

    Connection.objects.update(is_active=False)
    assert "PostHog refused" not in shown(client_of(viewer), name)
    Connection.objects.update(is_active=True, key_refused_at=None)
    assert "PostHog refused" not in shown(client_of(viewer), name)


def test_the_banner_costs_no_query(
    connection: Connection, viewer: User, client_of: ClientOf, django_assert_num_queries: Any
) -> None:
    client = client_of(viewer)
    shown(client, "changes:list")  # what is kept between pages is found by the first
    with CaptureQueriesContext(database) as without:
        shown(client, "changes:list")
    Connection.objects.update(key_refused_at=timezone.now())

    with django_assert_num_queries(len(without)):
        assert "PostHog refused" in shown(client, "changes:list")


def test_the_connection_and_its_syncs_say_so_and_offer_no_sync(
    refused: Connection, admin: User, client_of: ClientOf
) -> None:
    client = client_of(admin)
    assert "Key refused" in shown(client, "accounts:connection-edit", "demo")
    assert "Key refused" in shown(client, "accounts:connection-list")
    text = shown(client, "mirror:sync-list")
    assert "Key refused" in text and 'disabled title="PostHog refuses the key"' in text


def test_a_scraper_can_alarm(refused: Connection) -> None:
    assert 'portal_key_refused{connection="demo"} 1.0' in Client().get("/metrics").content.decode()
    Connection.objects.update(key_refused_at=None)
    assert 'portal_key_refused{connection="demo"} 0.0' in Client().get("/metrics").content.decode()

"""Connections: saved by administrators, checked against PostHog, their keys never seen again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from warehouse_admin.accounts import services
from warehouse_admin.accounts.models import Connection, PersonalKey, User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core.errors import InvalidInput, NotPermitted, UserError
from warehouse_admin.posthog import errors
from warehouse_admin.sandbox.server import SandboxServer

ClientOf = Callable[[User], Client]


def form_for(sandbox: SandboxServer, **changes: Any) -> dict[str, Any]:
    return {
        "slug": "prod",
        "name": "Production",
        "host": sandbox.url,
        "project_id": str(sandbox.project_id),
        "api_key": sandbox.key,
        "apply_policy": "automatic",
        "key_policy": "service",
        "budget_per_minute": "0",
        "budget_per_hour": "0",
        "sync_every_minutes": "5",
        "vanish_limit_percent": "20",
        "guard_count": 200,
        "guard_percent": 50,
        "is_active": "on",
        **changes,
    }


@pytest.fixture
def web_page() -> Iterator[str]:
    """The origin of a server that answers every request with a web page."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>Welcome!</html>")

        def log_message(self, *args: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_new_connection_is_saved_checked_and_recorded_without_its_key(
    admin: User, sandbox: SandboxServer, client_of: ClientOf
) -> None:
    client = client_of(admin)
    page = client.post(reverse("accounts:connection-new"), form_for(sandbox), follow=True)

    made = Connection.objects.get(slug="prod")
    assert (made.generation, made.check_error, made.path_prefix) == ("D", "", "projects")
    assert services.capability(made, "resume_schedules").state == "yes"
    assert services.capability(made, "cancel").state == "no"
    assert "PostHog accepts the key" in page.content.decode()
    assert sandbox.key not in page.content.decode()
    assert sandbox.key not in client.get(reverse("accounts:connection-list")).content.decode()
    entry = AuditEntry.objects.get(action="connection.created")
    assert (entry.actor, entry.object_id, entry.after["host"]) == (admin, "prod", sandbox.url)
    assert sandbox.key not in str([vars(entry) for entry in AuditEntry.objects.all()])


def test_the_key_is_encrypted_at_rest(connection: Connection, sandbox: SandboxServer) -> None:
    with database.cursor() as cursor:
        cursor.execute("SELECT api_key FROM accounts_connection")
        stored = cursor.fetchone()[0]

    assert sandbox.key not in stored and len(stored) > 50
    assert Connection.objects.get().api_key == sandbox.key
    assert sandbox.key not in repr(connection)


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"host": "us.posthog.com"}, "host", "scheme"),
        ({"host": "http://us.posthog.com"}, "host", "https"),
        ({"host": "https://user:pw@ph.example"}, "host", "user name"),
        ({"host": "https://ph.example/project/1"}, "host", "path"),
        ({"project_id": "my project"}, "project_id", "number"),
        ({"api_key": ""}, "api_key", "personal API key"),
        ({"api_key": "phx_with space"}, "api_key", "no key has"),
        ({"slug": "not a slug"}, "slug", "slug"),
        ({"budget_per_minute": "-1"}, "budget_per_minute", "greater"),
        ({"sync_every_minutes": "0"}, "sync_every_minutes", "greater"),
    ],
)
def test_what_cannot_be_used_is_said_and_what_was_typed_stays(
    admin: User, sandbox: SandboxServer, client_of: ClientOf, changes: dict[str, str], field: str, words: str
) -> None:
    page = client_of(admin).post(reverse("accounts:connection-new"), form_for(sandbox, name="Typed name", **changes))

    assert page.status_code == 422
    assert words in str(page.context["form"].errors[field])
    assert "Typed name" in page.content.decode()
    assert sandbox.key not in page.content.decode()
    assert not Connection.objects.exists()


def test_a_taken_short_name_is_refused(
    admin: User, connection: Connection, sandbox: SandboxServer, client_of: ClientOf
) -> None:
    page = client_of(admin).post(reverse("accounts:connection-new"), form_for(sandbox, slug=connection.slug))

    assert page.status_code == 422 and page.context["form"].errors["slug"]
    assert Connection.objects.count() == 1


def test_one_project_has_one_connection(
    admin: User, connection: Connection, sandbox: SandboxServer, client_of: ClientOf
) -> None:
    page = client_of(admin).post(reverse("accounts:connection-new"), form_for(sandbox, slug="again"))

    assert "The connection Demo (demo) mirrors this project" in page.content.decode()
    assert Connection.objects.count() == 1


def test_a_blank_key_keeps_the_stored_one_and_the_change_is_recorded(
    admin: User, connection: Connection, sandbox: SandboxServer, client_of: ClientOf
) -> None:
    url = reverse("accounts:connection-edit", args=[connection.slug])
    client_of(admin).post(url, form_for(sandbox, slug="demo", api_key="", name="Renamed", apply_policy="manual"))

    connection.refresh_from_db()
    assert (connection.name, connection.apply_policy, connection.api_key) == ("Renamed", "manual", sandbox.key)
    entry = AuditEntry.objects.get(action="connection.updated")
    assert (entry.before["apply_policy"], entry.after["apply_policy"]) == ("automatic", "manual")
    assert entry.after["api_key_changed"] is False


def test_a_stored_key_is_never_sent_to_another_host(admin: User, connection: Connection, web_page: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        services.save_connection(
            actor=admin, connection=connection, slug="demo", name="Demo", host=web_page, project_id="1"
        )

    assert "never sent to another host" in refusal.value.errors["api_key"][0]
    connection.refresh_from_db()
    assert connection.host != web_page


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("phx_wrong", "does not accept this API key"),
        ("phx_sandbox_elsewhere", "limited to other projects"),
        ("phx_sandbox_outsider", "refuses this key"),
    ],
)
def test_a_key_that_is_no_good_is_told_in_a_sentence(connection: Connection, key: str, words: str) -> None:
    connection.api_key = key
    connection.save()

    assert words in services.check_connection(connection).check_error
    assert key not in services.check_connection(connection).check_error


def test_an_unknown_project_is_told(connection: Connection) -> None:
    connection.project_id = "777"
    connection.save()

    assert "no project 777" in services.check_connection(connection).check_error


def test_a_host_that_answers_web_pages_is_told(connection: Connection, web_page: str) -> None:
    connection.host = web_page
    connection.save()

    assert "not as PostHog's API does" in services.check_connection(connection).check_error


def test_a_host_that_does_not_answer_is_told(connection: Connection) -> None:
    connection.host = "http://127.0.0.1:9"
    connection.save()

    assert "cannot be reached" in services.check_connection(connection).check_error


def test_check_now_tells_and_records_the_failure(admin: User, connection: Connection, client_of: ClientOf) -> None:
    connection.api_key = "phx_wrong"
    connection.save()
    page = client_of(admin).post(reverse("accounts:connection-check", args=[connection.slug]), follow=True)

    assert "does not accept this API key" in page.content.decode()
    entry = AuditEntry.objects.get(action="connection.checked")
    assert (entry.actor, entry.result) == (admin, "failed")


def test_a_failed_check_forgets_no_earlier_finding(connection: Connection) -> None:
    services.check_connection(connection)
    connection.refresh_from_db()
    known = connection.capabilities
    connection.api_key = "phx_wrong"
    connection.save()

    assert services.check_connection(connection).capabilities == known


def test_answers_teach_what_a_key_may_do(connection: Connection) -> None:
    assert services.capability(connection, "run").state == "unknown"

    services.learn(connection, "run", errors.ActionNotForKeys("no", status=403))
    services.learn(connection, "list", None)
    fresh = Connection.objects.get()
    assert services.capability(fresh, "run").state == "no" and services.capability(fresh, "run").reason
    assert services.capability(fresh, "list").state == "yes"

    services.learn(fresh, "run", errors.Unreachable("time-out"))
    assert services.capability(Connection.objects.get(), "run").state == "no"


@pytest.mark.parametrize("name", ["author", "reviewer", "operator", "auditor", "viewer"])
def test_only_administrators_see_and_change_connections(
    request: pytest.FixtureRequest, connection: Connection, sandbox: SandboxServer, client_of: ClientOf, name: str
) -> None:
    user: User = request.getfixturevalue(name)
    client = client_of(user)

    assert client.get(reverse("accounts:connection-list")).status_code == 403
    assert client.get(reverse("accounts:connection-edit", args=["demo"])).status_code == 403
    assert client.post(reverse("accounts:connection-new"), form_for(sandbox)).status_code == 403
    assert client.post(reverse("accounts:connection-check", args=["demo"])).status_code == 403
    assert Connection.objects.count() == 1
    denied = AuditEntry.objects.filter(result="denied", actor=user).values_list("action", flat=True)
    assert set(denied) == {"connection.list", "connection.updated", "connection.created", "connection.checked"}
    with pytest.raises(NotPermitted):
        services.check_connection(connection, actor=user)


@pytest.mark.parametrize("rows", [10, 60])
def test_the_list_costs_the_same_whatever_its_length(
    admin: User, client_of: ClientOf, django_assert_max_num_queries: Any, rows: int
) -> None:
    for number in range(rows):
        Connection.objects.create(slug=f"c{number}", name=f"C {number}", host="https://ph.example", project_id="1")
    client = client_of(admin)

    with django_assert_max_num_queries(12):
        assert client.get(reverse("accounts:connection-list")).status_code == 200


def test_an_unknown_connection_is_not_found(admin: User, client_of: ClientOf) -> None:
    assert client_of(admin).get(reverse("accounts:connection-edit", args=["nothing"])).status_code == 404


# --- Whose key a write uses ------------------------------------------------------------------------------------------


def test_a_persons_own_key_is_tested_stored_encrypted_and_removable(
    author: User, connection: Connection, client_of: ClientOf
) -> None:
    client = client_of(author)
    page = client.post(reverse("accounts:key-save", args=["demo"]), {"api_key": "phx_sandbox_full"}, follow=True)
    assert "phx_sandbox" not in page.content.decode()
    with database.cursor() as cursor:
        cursor.execute("SELECT api_key FROM accounts_personalkey")
        assert "phx_sandbox" not in cursor.fetchone()[0]
    assert AuditEntry.objects.get(action="personal_key.saved").actor == author

    client.post(reverse("accounts:key-remove", args=["demo"]))
    assert not PersonalKey.objects.exists()
    assert AuditEntry.objects.get(action="personal_key.removed").actor == author


@pytest.mark.parametrize(
    ("key", "words"),
    [("phx_wrong", "does not accept"), ("phx_sandbox_read", "warehouse_view:write"), ("with space", "no key has")],
)
def test_a_key_of_ones_own_that_is_no_good_is_refused_in_words(
    author: User, connection: Connection, client_of: ClientOf, key: str, words: str
) -> None:
    page = client_of(author).post(reverse("accounts:key-save", args=["demo"]), {"api_key": key})

    assert page.status_code == 422
    assert words in page.content.decode()
    assert not PersonalKey.objects.exists()


def test_the_policy_decides_whose_key_writes(author: User, connection: Connection) -> None:
    def whose() -> str:
        return services.writer_for(connection, author=author)[1]

    connection.key_policy = Connection.KeyPolicy.AUTHOR_REQUIRED
    with pytest.raises(UserError, match="has stored none"):
        whose()
    with pytest.raises(UserError, match="author's own"):
        services.writer_for(connection, author=None)
    connection.key_policy = Connection.KeyPolicy.AUTHOR_IF_PRESENT
    assert whose() == "connection"

    services.save_personal_key(user=author, connection=connection, api_key="phx_sandbox_full")
    assert whose() == "author"
    connection.key_policy = Connection.KeyPolicy.AUTHOR_REQUIRED
    assert whose() == "author"
    connection.key_policy = Connection.KeyPolicy.SERVICE
    assert whose() == "connection"

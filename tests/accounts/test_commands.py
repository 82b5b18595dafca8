"""The commands of the contract: exit status, one JSON object on the last line, no secret but the one just made."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from warehouse_admin.accounts import services, tokens
from warehouse_admin.accounts.models import Connection, User
from warehouse_admin.accounts.roles import Role, roles_of
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.sandbox.server import SandboxServer


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    return json.loads(out.getvalue().splitlines()[-1])


def refused(*arguments: str) -> tuple[int, dict[str, Any]]:
    out = StringIO()
    with pytest.raises(CommandError) as failure:
        call_command(*arguments, "--json", stdout=out)
    lines = out.getvalue().splitlines()
    return failure.value.returncode, json.loads(lines[-1]) if lines else {}


def test_create_user_makes_a_password_and_gives_roles(db: None) -> None:
    told = run("create_user", "nina", "--role", "editor", "--role", "auditor", "--email", "nina@example.com")

    user = User.objects.get(username="nina")
    assert user.check_password(told["password"])
    assert roles_of(user) == {Role.EDITOR, Role.AUDITOR}
    entry = AuditEntry.objects.get(action="person.created")
    assert (entry.actor_name, entry.actor_kind, entry.user_agent) == ("system", "system", "command create_user")


def test_create_user_takes_a_password_from_the_environment(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NINAS_PASSWORD", "a-fine-password-7")
    told = run("create_user", "nina", "--role", "viewer", "--password-env", "NINAS_PASSWORD")

    assert "password" not in told
    assert User.objects.get(username="nina").check_password("a-fine-password-7")


def test_create_user_says_what_is_wrong(author: User) -> None:
    assert refused("create_user", "author", "--role", "viewer")[0] == 1
    assert refused("create_user", "nina", "--role", "viewer", "--password-env", "NO_SUCH_VARIABLE")[0] == 2
    assert User.objects.count() == 1


def test_create_user_refuses_the_password_that_everybody_knows(
    db: None, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SANDBOX_MODE = False
    monkeypatch.setenv("NINAS_PASSWORD", settings.SANDBOX_PASSWORD)

    status, told = refused("create_user", "nina", "--role", "viewer", "--password-env", "NINAS_PASSWORD")

    assert status == 1 and "opens nothing here" in str(told)
    assert not User.objects.filter(username="nina").exists()


def test_create_user_calls_an_unknown_role_misuse(db: None) -> None:
    with pytest.raises(CommandError):
        call_command("create_user", "nina", "--role", "king")
    assert not User.objects.exists()


def test_create_token_prints_a_working_token(author: User) -> None:
    told = run("create_token", "author", "--read-only", "--expires", "3")

    found = tokens.authenticate(f"Bearer {told['token']}")
    assert found is not None
    assert (found[0], found[1].read_only) == (author, True)
    assert refused("create_token", "nobody")[0] == 1
    assert refused("create_token", "author", "--expires", "0")[0] == 1


def test_connect_creates_then_updates_and_checks(
    db: None, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PH_KEY", sandbox.key)
    arguments = ("connect", "prod", "--host", sandbox.url, "--project-id", "1", "--key-env", "PH_KEY")
    told = run(*arguments)
    assert (told["created"], told["generation"]) == (True, "D")
    assert run(*arguments)["created"] is False
    assert Connection.objects.count() == 1

    monkeypatch.setenv("PH_KEY", "phx_wrong")
    status, told = refused(*arguments)
    assert status == 1 and "was updated, but the check failed" in told["error"]
    assert "phx_wrong" not in told["error"]


def test_connect_without_a_key_is_misuse_and_a_bad_host_fails(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PH_KEY", "phx_something")
    rest = ("--project-id", "1", "--key-env")
    assert refused("connect", "prod", "--host", "https://ph.example", *rest, "NO_SUCH_VARIABLE")[0] == 2
    status, told = refused("connect", "prod", "--host", "ph.example", *rest, "PH_KEY")
    assert status == 1 and "scheme" in told["errors"]["host"][0]
    assert not Connection.objects.exists()


def test_check_connection_lists_what_the_key_can_do(connection: Connection) -> None:
    told = run("check_connection", "demo")

    report = told["connections"][0]
    assert report["ok"] and report["capabilities"]["resume_schedules"]["state"] == "yes"
    assert refused("check_connection", "nothing")[0] == 1
    connection.api_key = "phx_wrong"
    connection.save()
    assert refused("check_connection")[0] == 1


def test_the_sandbox_is_set_up_once_and_follows_its_address(db: None, sandbox: SandboxServer, settings: Any) -> None:
    first = services.ensure_sandbox(host=sandbox.url, key=sandbox.key, project_id=str(sandbox.project_id))
    entries = AuditEntry.objects.count()
    again = services.ensure_sandbox(host=sandbox.url, key=sandbox.key, project_id=str(sandbox.project_id))

    assert first.pk == again.pk and AuditEntry.objects.count() == entries
    assert {user.username: {role.value for role in roles_of(user)} for user in User.objects.all()} == {
        "ada": {"admin"},
        "erin": {"editor"},
        "remy": {"reviewer"},
        "olga": {"operator"},
        "audra": {"auditor"},
        "vic": {"viewer"},
    }
    assert all(user.check_password(settings.SANDBOX_PASSWORD) for user in User.objects.all())
    with SandboxServer(generation="B") as other:
        moved = services.ensure_sandbox(host=other.url, key=other.key, project_id=str(other.project_id))
        assert (moved.pk, moved.host, moved.generation) == (first.pk, other.url, "B")


def test_the_connection_of_the_environment_is_created_once(db: None, sandbox: SandboxServer, settings: Any) -> None:
    assert services.ensure_connection_from_settings() is None
    settings.POSTHOG_HOST, settings.POSTHOG_API_KEY = sandbox.url, sandbox.key
    settings.POSTHOG_PROJECT_ID = str(sandbox.project_id)

    made = services.ensure_connection_from_settings()
    assert made is not None and (made.slug, made.check_error) == ("default", "")
    Connection.objects.filter(pk=made.pk).update(name="Renamed")
    again = services.ensure_connection_from_settings()
    assert again is not None and (again.pk, again.name) == (made.pk, "Renamed")

"""`manage.py sync`, as scripts call it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from warehouse_admin.accounts.models import Connection
from warehouse_admin.management.commands import sync as command
from warehouse_admin.mirror import services
from warehouse_admin.mirror.models import SavedQuery, SyncRun
from warehouse_admin.sandbox.server import SandboxServer

pytestmark = pytest.mark.django_db


def last_line(capsys: pytest.CaptureFixture[str]) -> dict:
    return json.loads(capsys.readouterr().out.strip().splitlines()[-1])


def test_it_syncs_and_prints_counts(connection: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sync", "--connection", "demo", "--full", "--json")

    told = last_line(capsys)
    assert (told["ok"], told["state"], told["kind"]) == (True, "succeeded", "full")
    assert told["counts"]["created"] == SavedQuery.objects.count()


def test_it_fails_in_words(connection: Connection, sandbox: SandboxServer, capsys: pytest.CaptureFixture[str]) -> None:
    sandbox.world.revoke_key(sandbox.key)

    with pytest.raises(CommandError, match="does not accept the API key") as stop:
        call_command("sync", "--json")

    assert stop.value.returncode == 1
    told = last_line(capsys)
    assert (told["ok"], told["state"]) == (False, "failed") and "API key" in told["error"]
    assert sandbox.key not in json.dumps(told)


def test_a_refused_key_is_said_at_once_and_keeps_no_other_connection_from_its_sync(
    connection: Connection, sandbox: SandboxServer, capsys: pytest.CaptureFixture[str]
) -> None:
    Connection.objects.update(key_refused_at=timezone.now())
    Connection.objects.create(
        slug="other",
        name="Other",
        host=sandbox.url,
        project_id=connection.project_id,
        api_key="phx_sandbox_read",
        budget_per_minute=0,
        budget_per_hour=0,
    )

    with pytest.raises(CommandError, match="^demo: PostHog refuses the API key of Demo since .*$") as stop:
        call_command("sync", "--json")

    assert stop.value.returncode == 1
    assert [(one["connection"], one["state"]) for one in last_line(capsys)["syncs"]] == [
        ("demo", "failed"),
        ("other", "succeeded"),
    ]
    assert SyncRun.objects.get().connection.slug == "other"


@pytest.mark.parametrize("arguments", [["--connection", "nowhere"], []])
def test_it_says_when_there_is_nothing_to_sync(db: None, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match="There is no"):
        call_command("sync", *arguments)


def test_it_waits_for_the_sync_under_way(
    connection: Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    under_way = services.start_sync(connection=connection)
    waited: list[float] = []

    def let_it_end(seconds: float) -> Callable | None:
        waited.append(seconds)
        services.run_sync(under_way.pk)
        return None

    monkeypatch.setattr(command.time, "sleep", let_it_end)
    call_command("sync")

    assert len(waited) == 1
    assert list(SyncRun.objects.values_list("state", flat=True)) == ["succeeded", "succeeded"]
    assert "waiting for the sync under way" in capsys.readouterr().out

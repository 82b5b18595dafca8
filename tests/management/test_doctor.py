"""`manage.py doctor`: one line for each thing the portal stands on, and what to do about it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection as database
from django.utils import timezone
from pytest_django.fixtures import Settings

from tests.running import environment_of, manage
from warehouse_admin.accounts.models import Connection, PersonalKey, User
from warehouse_admin.management import doctor
from warehouse_admin.mirror import beats
from warehouse_admin.mirror.models import Beat

ALL = ["database", "migrations", "broker", "worker", "beat", "encryption", "connections", "clock", "disk"]


@pytest.fixture
def healthy(connection: Connection) -> Connection:
    beats.note("worker")
    beats.note("beat")
    return connection


def examine(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, object]]:
    """The checks by name, as the last line of `doctor --json` has them."""
    try:
        call_command("doctor", "--json")
    except CommandError as error:
        assert error.returncode == 1
    told = capsys.readouterr().out.splitlines()
    checks = json.loads(told[-1])["checks"]
    assert [line.split()[1] for line in told[:-1]] == [f"{check['name']}:" for check in checks]
    return {check["name"]: check for check in checks}


def bad(checks: dict[str, dict[str, object]]) -> dict[str, object]:
    return {name: check["text"] for name, check in checks.items() if not check["ok"]}


def test_a_healthy_portal_passes_every_check(healthy: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    checks = examine(capsys)
    assert bad(checks) == {}
    assert sorted(checks) == sorted(ALL)
    assert checks["connections"]["text"] == "demo"


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_a_silent_process_is_named(healthy: Connection, capsys: pytest.CaptureFixture[str], name: str) -> None:
    Beat.objects.filter(name=name).update(at=timezone.now() - timedelta(seconds=120))
    (text,) = bad(examine(capsys)).values()
    assert re.search(r"last seen 12\d s ago; start", str(text))
    Beat.objects.filter(name=name).delete()
    assert str(bad(examine(capsys))[name]).startswith("never seen; start")


def test_a_lost_encryption_key_is_said_and_the_rest_still_checked(
    healthy: Connection, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    checks = examine(capsys)
    assert list(bad(checks)) == ["encryption"]
    assert "FIELD_ENCRYPTION_KEYS" in str(checks["encryption"]["text"])


def test_a_person_s_key_that_cannot_be_read_is_noticed(
    healthy: Connection, author: User, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    PersonalKey.objects.create(user=author, connection_id=healthy.pk, api_key="phx_of_the_author")
    settings.FIELD_ENCRYPTION_KEYS = kept
    assert list(bad(examine(capsys))) == ["encryption"]


def test_a_second_factor_that_cannot_be_read_is_noticed(
    healthy: Connection, author: User, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    RecoveryCodes.activate(author)
    settings.FIELD_ENCRYPTION_KEYS = kept
    assert list(bad(examine(capsys))) == ["encryption"]


def test_a_connection_that_failed_its_check_is_named(healthy: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    Connection.objects.update(check_error="The key was refused.")
    assert bad(examine(capsys)) == {"connections": "demo: The key was refused."}
    Connection.objects.update(key_refused_at=timezone.now())
    assert "demo: PostHog refuses the API key of Demo since" in str(bad(examine(capsys))["connections"])
    Connection.objects.update(is_active=False)
    assert "python manage.py connect" in str(bad(examine(capsys))["connections"])


def test_a_missing_migration_is_said_and_no_table_is_asked(
    healthy: Connection, capsys: pytest.CaptureFixture[str]
) -> None:
    with database.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'mirror'")
    checks = examine(capsys)
    assert "run python manage.py migrate" in str(bad(checks)["migrations"])
    assert "worker" not in checks


def test_a_broker_that_does_not_answer_is_said(
    healthy: Connection, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert "check REDIS_URL" in str(bad(examine(capsys))["broker"])


def test_a_full_disk_is_said(
    healthy: Connection, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 2**62)
    assert "make room" in str(bad(examine(capsys))["disk"])


def test_without_database_and_broker_the_rest_is_still_told(tmp_path: Path) -> None:
    nowhere = {"DATABASE_URL": "postgres://me:pass-word@127.0.0.1:1/none", "CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}
    done = manage(environment_of(tmp_path, **nowhere), "doctor", "--json")
    assert done.returncode == 1
    told = json.loads(done.stdout.splitlines()[-1])
    assert {check["name"]: check["ok"] for check in told["checks"]} == {
        "database": False,
        "broker": False,
        "disk": True,
    }
    assert "not well: database, broker" in done.stderr
    assert "pass-word" not in done.stdout + done.stderr

"""The checks behind `manage.py doctor`; each says what to do when it fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import redis
from celery import current_app
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import DatabaseError
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from kombu.exceptions import OperationalError

from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror.models import Beat

SILENT_AFTER = timedelta(seconds=90)
LEAST_FREE_BYTES = 500 * 1024 * 1024
MOST_CLOCK_DRIFT = 5.0  # seconds between this machine and the database


@dataclass(frozen=True)
class Finding:
    """One line of the report."""

    name: str
    ok: bool
    text: str


def check_database() -> Finding:
    try:
        with database.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        return Finding("database", False, f"cannot be reached ({type(error).__name__}); check DATABASE_URL")
    return Finding("database", True, database.vendor)


def check_migrations() -> Finding:
    executor = MigrationExecutor(database)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Finding("migrations", False, f"{len(missing)} not applied; run python manage.py migrate")
    return Finding("migrations", True, "all applied")


def check_broker() -> Finding:
    try:
        with current_app.connection_for_write() as link:
            link.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, redis.RedisError, OSError):
        told = "start the portal with make run" if settings.EMBEDDED_BROKER else "check CELERY_BROKER_URL"
        return Finding("broker", False, f"does not answer; {told}")
    return Finding("broker", True, "embedded" if settings.EMBEDDED_BROKER else "external")


def check_process(name: str, advice: str) -> Finding:
    beat = Beat.objects.filter(name=name).first()
    if beat is None:
        return Finding(name, False, f"never seen; {advice}")
    age = timezone.now() - beat.at
    return Finding(
        name,
        age < SILENT_AFTER,
        f"last seen {age.total_seconds():.0f} s ago" + ("" if age < SILENT_AFTER else f"; {advice}"),
    )


def check_worker() -> Finding:
    return check_process("worker", "start a Celery worker")


def check_beat() -> Finding:
    return check_process("beat", "start Celery beat")


def check_encryption() -> Finding:
    try:
        keys = sum(1 for row in Connection.objects.all() if row.api_key)
    except InvalidToken:
        return Finding(
            "encryption",
            False,
            "stored keys cannot be read with FIELD_ENCRYPTION_KEYS; add the key they were written with",
        )
    return Finding("encryption", True, f"{keys} stored connection key(s) can be read")


def check_connections() -> Finding:
    try:
        rows = list(Connection.objects.filter(is_active=True))
    except InvalidToken:
        return Finding("connections", False, "their keys cannot be read")
    if not rows:
        return Finding("connections", False, "none; add one with python manage.py connect")
    bad = [f"{row.slug}: {row.check_error}" for row in rows if row.check_error]
    return Finding("connections", not bad, "; ".join(bad) or ", ".join(row.slug for row in rows))


def check_clock() -> Finding:
    query = (
        "SELECT strftime('%s', 'now')"
        if database.vendor == "sqlite"
        else "SELECT extract(epoch FROM clock_timestamp())"
    )
    with database.cursor() as cursor:
        cursor.execute(query)
        drift = abs(float(cursor.fetchone()[0]) - timezone.now().timestamp())
    return Finding("clock", drift <= MOST_CLOCK_DRIFT, f"{drift:.1f} s from the database's")


def check_disk() -> Finding:
    free = shutil.disk_usage(settings.VAR_DIR).free
    return Finding("disk", free >= LEAST_FREE_BYTES, f"{free / 1024**3:.1f} GB free under {settings.VAR_DIR}")


CHECKS: tuple[Callable[[], Finding], ...] = (
    check_migrations,
    check_broker,
    check_worker,
    check_beat,
    check_encryption,
    check_connections,
    check_clock,
    check_disk,
)


def examine() -> list[Finding]:
    """Every check; those that need the database are left out when it cannot be reached."""
    first = check_database()
    if not first.ok:
        return [first, check_broker(), check_disk()]
    return [first, *(check() for check in CHECKS)]

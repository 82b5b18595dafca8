"""The checks behind `manage.py doctor`; each says what to do when it fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import decrypt
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from warehouse_admin.accounts.models import Connection, PersonalKey
from warehouse_admin.accounts.services import refusals
from warehouse_admin.audit.models import SigningKey
from warehouse_admin.management import probes
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
    problem = probes.database_problem()
    return Finding("database", not problem, problem or database.vendor)


def check_migrations() -> Finding:
    executor = MigrationExecutor(database)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        return Finding("migrations", False, f"{len(missing)} not applied; run python manage.py migrate")
    return Finding("migrations", True, "all applied")


def check_broker() -> Finding:
    where = "embedded" if settings.EMBEDDED_BROKER else "external"
    if not probes.broker_answers():
        advice = "start the portal with make run" if settings.EMBEDDED_BROKER else "check CELERY_BROKER_URL"
        return Finding("broker", False, f"does not answer; {advice}")
    if not probes.cache_answers():
        return Finding("broker", False, "answers, but the cache and rate budget do not; check REDIS_URL")
    return Finding("broker", True, where)


def check_process(name: str, advice: str) -> Finding:
    beat = Beat.objects.filter(name=name).first()
    if beat is None:
        return Finding(name, False, f"never seen; {advice}")
    age = timezone.now() - beat.at
    seen = f"last seen {age.total_seconds():.0f} s ago"
    return Finding(name, True, seen) if age < SILENT_AFTER else Finding(name, False, f"{seen}; {advice}")


def check_worker() -> Finding:
    return check_process("worker", "start a Celery worker")


def check_beat() -> Finding:
    return check_process("beat", "start Celery beat")


def check_encryption() -> Finding:
    try:
        keys = [*Connection.objects.values_list("api_key", flat=True)]
        keys += PersonalKey.objects.values_list("api_key", flat=True)
        keys += SigningKey.objects.values_list("private_key", flat=True)
        factors = Authenticator.objects.values_list("data", flat=True)
        keys += [decrypt(data[name]) for data in factors for name in ("secret", "seed") if name in data]
    except InvalidToken:
        advice = "stored keys cannot be read with FIELD_ENCRYPTION_KEYS; add the key they were written with"
        return Finding("encryption", False, advice)
    return Finding("encryption", True, f"{sum(1 for key in keys if key)} stored key(s) can be read")


def check_connections() -> Finding:
    rows = list(Connection.objects.filter(is_active=True).defer("api_key", "capabilities"))
    if not rows:
        return Finding("connections", False, "none; add one with python manage.py connect")
    problems = {row.slug: refusals.why_refused(row) or row.check_error for row in rows}
    bad = [f"{slug}: {problem}" for slug, problem in problems.items() if problem]
    return Finding("connections", not bad, "; ".join(bad) or ", ".join(problems))


def check_clock() -> Finding:
    if database.vendor == "sqlite":
        return Finding("clock", True, "the database is on this machine")
    with database.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
        drift = abs(float(cursor.fetchone()[0]) - timezone.now().timestamp())
    advice = "" if drift <= MOST_CLOCK_DRIFT else "; set both clocks by NTP"
    return Finding("clock", not advice, f"{drift:.1f} s from the database's{advice}")


def check_disk() -> Finding:
    folder = Path(settings.VAR_DIR)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    told = f"{free / 1024**3:.1f} GB free under {settings.VAR_DIR}"
    return Finding("disk", True, told) if free >= LEAST_FREE_BYTES else Finding("disk", False, f"{told}; make room")


NEED_TABLES: tuple[Callable[[], Finding], ...] = (check_worker, check_beat, check_encryption, check_connections)


def examine() -> list[Finding]:
    """Every check; those that need the database, or its tables, are left out when these are missing."""
    findings = [check_database()]
    if findings[0].ok:
        findings.append(check_migrations())
    findings.append(check_broker())
    if all(finding.ok for finding in findings if finding.name in ("database", "migrations")):
        findings += [check() for check in NEED_TABLES]
    if findings[0].ok:
        findings.append(check_clock())
    return [*findings, check_disk()]

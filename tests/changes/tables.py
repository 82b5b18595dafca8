"""What the tests of table changes share: planted keys, and every place where they must not be."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection as database

from warehouse_admin.mirror.models import WarehouseTable
from warehouse_admin.mutations.services import Entered
from warehouse_admin.sandbox.server import SandboxServer

ACCESS, SECRET = "AKIAPLANTEDKEY77", "planted/secret+Zx9Qw"
KEYS = Entered(ACCESS, SECRET)
NEW = {"name": "finance_budget", "format": "CSVWithNames", "url_pattern": "https://files.example.com/budget/*.csv"}
OWN, SOURCED, STORAGE = "finance_fx_rates", "stripe_charges", "mart_executive_kpis"


def planted_in(text: str) -> list[str]:
    """Which of the planted keys a text holds."""
    return [one for one in (ACCESS, SECRET) if one in text]


def leaks_in_database() -> list[str]:
    """Every column of every table that holds a planted key as plain text."""
    found = []
    with database.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            table = database.ops.quote_name(model._meta.db_table)
            cursor.execute(f"SELECT * FROM {table}")
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                found += [f"{table}.{name}" for name, value in zip(names, row, strict=True) if planted_in(str(value))]
    return found


def kept_keys() -> list[Any]:
    """Every credential that could still be sent."""
    from warehouse_admin.mutations.models import Credential

    return list(Credential.objects.filter(wiped_at=None))


def the(name: str) -> WarehouseTable:
    return WarehouseTable.objects.present().get(name=name)


def writes(sandbox: SandboxServer) -> list[Any]:
    return [request for request in sandbox.world.requests if request.method != "GET"]


def body_of(request: Any) -> Any:
    return request.body

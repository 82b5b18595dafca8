"""What a first mirror of the demonstration leaves, kept for the next test that starts from the same.

A sync takes half a second, and most tests start from one. The first test of a process that asks for a mirror makes it;
for the next ones the rows and the sandbox's world are put back as they were then. A copy is used only where nothing has
happened yet that it would hide, and only while it is so young that no clock can tell.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection as database
from django.db import transaction
from django.db.models import Model

from warehouse_admin.accounts.models import Connection
from warehouse_admin.audit import services as audit
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.audit.targets import Target
from warehouse_admin.sandbox import seed
from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.sandbox.world import World

YOUNG = 20.0  # seconds
APPS = ("mirror", "lineage", "activity", "mutations", "changes", "schedules", "interviews")
NOT_OF_THE_WORLD = ("lock", "runner", "faults", "throttle")
ROWS_AT_ONCE = 500

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Table:
    """All rows of one table; `owner` is the place of the connection's id in them, -1 where there is none."""

    name: str
    columns: tuple[str, ...]
    owner: int
    rows: Rows


@dataclass(frozen=True)
class Snapshot:
    taken: float
    tables: list[Table]
    connection: dict[str, Any]
    entries: list[dict[str, Any]]
    world: bytes


_kept: dict[tuple[Any, ...], Snapshot] = {}
_new: list[tuple[float, bytes]] = []  # when the world was made that new ones are copied from, and what is in it


def new_world() -> World:
    """The demonstration's, untouched."""
    if not _new or time.monotonic() - _new[0][0] >= YOUNG:
        world = World()
        seed.fill(world, None, live=False)
        _new[:] = [(time.monotonic(), _dump(world))]
    world = World()
    _load(world, _new[0][1])
    return world


def mirrored(name: str, sandbox: SandboxServer, connection: Connection, make: Callable[[], None]) -> None:
    """Have what `make` does to an untouched sandbox and connection, by doing it or from the copy of that `name`."""
    world = sandbox.world
    if not (_is_untouched(world) and _is_plain(connection) and _is_empty()):
        make()
        return
    # What waits for a commit happens only in tests that commit.
    what = (name, world.generation.name, connection.api_key, database.in_atomic_block)
    kept = _kept.get(what)
    if kept is not None and time.monotonic() - kept.taken < YOUNG:
        with transaction.atomic():
            _put_back(kept, world, connection)
        return
    before = set(AuditEntry.objects.values_list("pk", flat=True))
    make()
    _kept[what] = Snapshot(
        taken=time.monotonic(),
        tables=[table for model in _models() if (table := _read(model)).rows],
        connection=Connection.objects.filter(pk=connection.pk).values(*_settled()).get(),
        entries=list(AuditEntry.objects.exclude(pk__in=before).order_by("sequence").values()),
        world=_dump(world),
    )


def _is_untouched(world: World) -> bool:
    """Whether nobody has asked, changed or broken anything yet."""
    fresh = _fresh_world(world.generation.name)
    return not world.requests and not world.faults.list() and _settings(world) == _settings(fresh)


@cache
def _fresh_world(generation: str) -> World:
    world = new_world()
    world.set_generation(generation)
    return world


def _settings(world: World) -> tuple[Any, ...]:
    objects = (world.views, world.tables, world.log, world.newest_jobs(), world.interviews, world.folders)
    return (
        *(len(each) for each in objects),
        [(view.name, view.query, view.sync_frequency, view.status, view.deleted) for view in world.views.values()],
        [(key.value, key.revoked, key.scopes) for key in world.keys.values()],
        *(world.page_size, world.rate, world.query_rate, world.latency, world.clock.offset),
        *(world.runner.seconds, world.runner.resume_within, world.random.getstate()),
    )


def _is_plain(connection: Connection) -> bool:
    """Whether it is as the fixture makes it: what a sync does depends on the settings."""
    same = Connection(api_key=connection.api_key, slug="demo", name="Demo", budget_per_minute=0, budget_per_hour=0)
    told = {"id", "host", "project_id", "api_key", "created_at", "updated_at"}
    fields = [field.attname for field in Connection._meta.concrete_fields if field.attname not in told]
    return all(getattr(connection, f) == getattr(same, f) for f in fields)


def _models() -> Iterator[type[Model]]:
    for label in APPS:
        yield from apps.get_app_config(label).get_models()


def _is_empty() -> bool:
    return Connection.objects.count() == 1 and not any(model._default_manager.exists() for model in _models())


def _settled() -> list[str]:
    """Columns of a connection that reading it settles."""
    own = {"id", "slug", "name", "host", "project_id", "api_key"}
    return [field.attname for field in Connection._meta.concrete_fields if field.attname not in own]


def _read(model: type[Model]) -> Table:
    fields = model._meta.concrete_fields
    columns = tuple(field.column for field in fields)
    owner = next((place for place, field in enumerate(fields) if field.related_model is Connection), -1)
    with database.cursor() as cursor:
        listed = ", ".join(f'"{column}"' for column in columns)
        cursor.execute(f'SELECT {listed} FROM "{model._meta.db_table}"')
        return Table(model._meta.db_table, columns, owner, list(cursor.fetchall()))


def _dump(world: World) -> bytes:
    with world.lock:
        state = {name: value for name, value in vars(world).items() if name not in NOT_OF_THE_WORLD}
        runner = {name: value for name, value in vars(world.runner).items() if name != "world"}
        return pickle.dumps((state, runner))


def _load(world: World, dumped: bytes) -> None:
    state, runner = pickle.loads(dumped)
    with world.lock:
        vars(world).update(state)
        vars(world.runner).update(runner)


def _put_back(kept: Snapshot, world: World, connection: Connection) -> None:
    _load(world, kept.world)
    Connection.objects.filter(pk=connection.pk).update(**kept.connection)
    with database.cursor() as cursor:
        for table in kept.tables:
            _insert(cursor, table, connection.pk)
    for entry in kept.entries:
        audit.record(
            actor=None,
            action=entry["action"],
            target=Target(entry["object_type"], entry["object_id"], entry["object_name"]),
            **{name: entry[name] for name in ("result", "reason", "before", "after", "connection")},
        )


def _insert(cursor: Any, table: Table, connection: int) -> None:
    width = len(table.columns)
    columns = ", ".join(f'"{column}"' for column in table.columns)
    at_once = min(ROWS_AT_ONCE, 30_000 // width)
    for start in range(0, len(table.rows), at_once):
        rows = table.rows[start : start + at_once]
        if table.owner >= 0:
            at = table.owner
            rows = [(*row[:at], connection, *row[at + 1 :]) for row in rows]
        holders = ", ".join([f"({', '.join(['%s'] * width)})"] * len(rows))
        values = [value for row in rows for value in row]
        cursor.execute(f'INSERT INTO "{table.name}" ({columns}) VALUES {holders}', values)

"""A plain warehouse of any size, for measurements."""

from __future__ import annotations

from . import logbook
from .generations import SECONDS
from .models import Job, Schedule, Table, View
from .world import World

TABLES = 40
COLUMNS = ("id", "customer_id", "created_at", "amount", "status", "country", "is_active", "quantity")
TYPES = ("string", "string", "datetime", "float", "string", "string", "boolean", "integer")
FREQUENCIES = ("1hour", "6hour", "12hour", "24hour")
HALF_A_DAY = 43_200.0


def fill(world: World, size: int) -> None:
    """`size` views of which every second is materialized; nothing in it moves for half a day."""
    now = world.now()
    for number in range(TABLES):
        table = Table(world.new_id(), f"raw_{number:03d}", "Parquet", "https://bulk.example/*", 1, now - 1e7 - number)
        table.columns = [list(pair) for pair in zip(COLUMNS, TYPES, strict=True)]
        world.tables[table.id] = table
    for number in range(size):
        view = _view(world, number, now - 9e6 + number * (8e6 / size))
        world.views[view.id] = view
        query = logbook.change("query", None, view.query)
        world.record(logbook.entry(world, view, view.created_by, "created", [query], view.created_at))
        if number % 2:
            _materialize(world, view, number, now)
    world.reindex()
    for view in world.views.values():
        world.runner.plan(view)


def _view(world: World, number: int, created: float) -> View:
    name, source = _name(number), f"raw_{number % TABLES:03d}"
    joins = ""
    if number > 3:
        other = world.random.randrange(number)
        joins = f"\nLEFT JOIN {_name(other)} AS other ON other.id = base.id"
    text = (
        f"-- View number {number}\nSELECT\n    base.id AS id,\n    base.customer_id AS customer_id,\n"
        f"    toStartOfDay(base.created_at) AS created_day,\n    sum(base.amount) AS amount_{number % 7},\n"
        f"    count() AS row_count\nFROM {source} AS base{joins}\nWHERE base.amount > {number % 97}\n"
        "GROUP BY id, customer_id, created_day"
    )
    view = View(world.new_id(), name, {"kind": "HogQLQuery", "query": text}, 1 + number % 5, created, created)
    view.revision = world.new_id()
    view.columns = [
        ["id", "string"],
        ["customer_id", "string"],
        ["created_day", "date"],
        [f"amount_{number % 7}", "float"],
        ["row_count", "integer"],
    ]
    return view


def _name(number: int) -> str:
    return f"{('stg', 'int', 'mart')[number % 3]}_{('orders', 'billing', 'usage', 'support')[number % 4]}_{number:06d}"


def _materialize(world: World, view: View, number: int, now: float) -> None:
    frequency = FREQUENCIES[number // 2 % len(FREQUENCIES)]
    view.is_materialized, view.sync_frequency, view.status = True, frequency, "Completed"
    view.schedule = Schedule(SECONDS[frequency], now + HALF_A_DAY + number % 3600)
    for back in (1, 0):
        start = now - 600 - back * SECONDS[frequency] - number % 900
        world.add_job(Job(world.new_id(), view.id, "Completed", start, start + 40, start + 40, 1000 + number))

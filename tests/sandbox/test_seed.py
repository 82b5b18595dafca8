from __future__ import annotations

from collections import Counter

import pytest

from warehouse_admin.sandbox import lineage, seed, sql
from warehouse_admin.sandbox.world import World


@pytest.fixture(params="ABCD")
def world(request) -> World:
    made = World(request.param)
    seed.fill(made, None, live=False)
    return made


def test_every_view_reads_only_what_exists_and_nothing_in_circles(world):
    for view in world.views.values():
        assert sql.parse_error(view.sql) is None, view.name
        assert lineage.unknown_source(world, view.sql) is None, view.name
        assert not lineage.makes_cycle(world, view, view.sql), view.name
        assert len(view.columns) >= 3, view.name


def test_layers_select_from_the_ones_below(world):
    for view in world.views.values():
        names = sql.source_names(view.sql)
        if view.name.startswith("stg_"):
            assert not any(name.startswith(("int_", "mart_", "stg_")) for name in names), view.name
        if view.name.startswith("int_"):
            assert any(name.startswith(("stg_", "int_")) for name in names), view.name
            assert not any(name.startswith("mart_") for name in names), view.name


def test_the_warehouse_is_believable(world):
    views = list(world.views.values())
    old = not world.generation.has_revisions
    materialized = [view for view in views if view.is_materialized]
    paused = [view for view in materialized if view.schedule.paused]
    suspended = [view for view in paused if "Timeout" in (view.latest_error or "")]
    assert 55 <= len([view for view in views if view.origin == "data_warehouse"]) <= 65
    assert 35 <= len(materialized) <= 45
    assert (len(paused), len(suspended)) == (8, 6)
    assert all((view.sync_frequency is None) is (old or not view.suspended) for view in paused)
    assert [view.name for view in materialized if not world.jobs[view.id]] == ["finance.mrr_snapshot"]
    assert any("<script>" in (view.latest_error or "") for view in views)
    assert Counter(view.managed_viewset_kind for view in views)["revenue_analytics"] == 4
    assert {view.created_by for view in views if view.created_by} == {1, 2, 3, 4, 5}


def test_histories_are_fresh_and_in_order(world):
    now = world.now()
    for runs in world.jobs.values():
        times = [job.created_at for job in runs]
        assert times == sorted(times)
        assert all(job.created_at <= job.last_run_at <= now for job in runs)
    assert max(len(runs) for runs in world.jobs.values()) == 40
    for view_id, entries in world.log_of.items():
        times = [entry.created_at for entry in entries]
        assert view_id not in world.views or max(times) <= now
        created = [entry for entry in entries if entry.activity == "created"]
        assert view_id not in world.views or created[0].created_at == min(times)


def test_the_last_logged_query_is_the_one_that_stands(world):
    for view in world.views.values():
        changes = [c for e in world.log_of.get(view.id, []) for c in e.detail["changes"] or [] if c["field"] == "query"]
        if changes:
            assert changes[-1]["after"] == view.query, view.name


def test_the_same_seed_makes_the_same_ids():
    first, second, third = World(seed=4), World(seed=4), World(seed=5)
    for made in (first, second, third):
        seed.fill(made, None, live=False)
    assert first.views.keys() == second.views.keys()
    assert not first.views.keys() & third.views.keys()

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from warehouse_admin.sandbox.server import SandboxServer
from warehouse_admin.sandbox.state import BadState, Keeper


def test_it_starts_in_a_fraction_of_a_second():
    started = time.perf_counter()
    with SandboxServer() as server:
        assert requests.get(f"{server.url}/sandbox/state", timeout=5).json()["views"] > 50
        assert time.perf_counter() - started < 1


def test_many_live_side_by_side_and_share_nothing(start):
    first, second = start("B"), start("B")
    first.world.delete_outside("mart_support_sla")

    assert first("GET", "warehouse_saved_queries/").json()["count"] == 65
    assert second("GET", "warehouse_saved_queries/").json()["count"] == 66


def test_a_stopped_server_ends_the_connections_it_kept_alive(start):
    api = start()
    assert api("GET", "warehouse_saved_queries/").ok
    api.server.stop()

    with pytest.raises(requests.ConnectionError):
        api("GET", "warehouse_saved_queries/")


def test_it_keeps_one_connection_for_many_requests(start):
    api = start()
    for _ in range(3):
        api("GET", "warehouse_tables/")

    assert len(api.server._listener.open) == 1


def test_a_big_warehouse_is_made_quickly(start):
    started = time.process_time()
    api = start("D", size=10_000)
    page = api("GET", "warehouse_saved_queries/?page=10").json()

    assert time.process_time() - started < 5
    assert (page["count"], len(page["results"]), page["next"]) == (10_000, 1000, None)


def test_a_restart_forgets_nothing(tmp_path: Path):
    file = tmp_path / "state.json"
    with SandboxServer("C", state_file=file) as server:
        server.world.revoke_key("phx_sandbox_ana")
        url, headers = (
            f"{server.url}/api/projects/1/warehouse_saved_queries/",
            {"Authorization": f"Bearer {server.key}"},
        )
        body = {"name": "mart_new", "query": {"query": "SELECT user_id FROM stg_app_users"}}
        made = requests.post(url, json=body, headers=headers, timeout=5).json()
        assert file.exists(), "a write is kept at once, not at the end"
    with SandboxServer("C", state_file=file) as again:
        view = again.world.view("mart_new")
        assert (view.id, view.sql) == (made["id"], "SELECT user_id FROM stg_app_users")
        assert again.world.log_of[view.id][0].activity == "created"
        assert again.world.keys["phx_sandbox_ana"].revoked
        assert sum(map(len, again.world.jobs.values())) == sum(map(len, server.world.jobs.values()))
        assert again.world.new_id() not in again.world.views


def test_a_spoilt_state_says_what_to_do(tmp_path: Path):
    file = tmp_path / "state.json"
    file.write_text('{"version": 1, "views": ')

    with pytest.raises(BadState, match="Remove it to start afresh"):
        SandboxServer(state_file=file)


def test_secrets_are_never_in_the_state(tmp_path: Path, start):
    api, file = start(), tmp_path / "state.json"
    credential = {"access_key": "AKIAHUSH", "access_secret": "very-hush"}
    body = {"name": "t", "format": "CSV", "url_pattern": "https://files.example/x.csv", "credential": credential}
    assert api("POST", "warehouse_tables/", body).status_code == 201
    Keeper(api.world, file).save(force=True)

    text = file.read_text()
    assert "hush" not in text.lower()
    assert api.server.key not in text


def test_the_command_announces_itself_and_stops_when_asked(tmp_path: Path):
    command = [sys.executable, "-m", "warehouse_admin.sandbox", "--port", "0", "--generation", "B", "--key", "phx_mine"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    with process:
        assert process.stdout is not None
        assert select.select([process.stdout], [], [], 10)[0], "not ready in time"
        line = process.stdout.readline().strip()
        assert line.startswith("sandbox ready on http://127.0.0.1:")
        url = line.rpartition(" ")[2]
        answer = requests.get(f"{url}/api/users/@me", headers={"Authorization": "Bearer phx_mine"}, timeout=5)
        assert answer.json()["organization"]["name"] == "Harbor Goods"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0

"""`manage.py run` as an operator sees it: a real portal in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from tests.running import (
    Portal,
    environment_of,
    manage,
    scratch_database,
    scratch_folder,
    start,
    stop,
    wait_for,
    wait_until_ready,
)

pytestmark = pytest.mark.xdist_group("portal")
HEALS_WITHIN = 40.0
FIRST_SYNC_WITHIN = 10.0
BEGINS_WITHIN = 120.0  # what some tests begin with, not what they are about; every question starts a process
CHILDREN = {
    "broker": "valkey-server",
    "sandbox": "warehouse_admin.sandbox",
    "web": "gunicorn",
    "worker": "celery -A portal --quiet worker",
    "beat": "celery -A portal --quiet beat",
}


def children_of(pid: int) -> dict[int, str]:
    """Process ids and command lines of everything that a process started, and that these started."""
    rows = subprocess.run(
        ["ps", "-ww", "-eo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    found: dict[int, str] = {}
    for _ in range(3):
        for row in rows.splitlines():
            child, parent, state, command = row.split(None, 3)
            if int(parent) in (pid, *found) and not state.startswith("Z"):
                found[int(child)] = command
    return found


def child(pid: int, name: str) -> int | None:
    rows = subprocess.run(["ps", "-ww", "-o", "pid=,args=", "--ppid", str(pid)], capture_output=True, text=True).stdout
    return next((int(row.split()[0]) for row in rows.splitlines() if CHILDREN[name] in row), None)


def doctor(portal: Portal) -> dict[str, Any]:
    checks = json.loads(manage(portal.environment, "doctor", "--json").stdout.splitlines()[-1])["checks"]
    return {check["name"]: check for check in checks}


def answers(portal: Portal) -> bool:
    try:
        return requests.get(f"{portal.url}/accounts/login/", timeout=2).status_code == 200
    except requests.RequestException:
        return False


def looks_up_a_token(portal: Portal) -> int:
    """The status of a request that needs the database, over the connections that the web server keeps."""
    headers = {"Authorization": "Bearer wa_nobody_has_this_token"}
    return requests.get(f"{portal.url}/api/v1/saved-queries/", headers=headers, timeout=10).status_code


def ask(portal: Portal, statement: str) -> list[str]:
    """Run one SQL statement in the portal's own database; the first column of what it gives."""
    link: Any
    if "DATABASE_URL" in portal.environment:
        link = psycopg.connect(portal.environment["DATABASE_URL"])
    else:
        link = sqlite3.connect(portal.folder / "sandbox.sqlite3", timeout=20)
    with closing(link), link:
        cursor = link.execute(statement)
        return [str(row[0]) for row in cursor.fetchall()] if cursor.description else []


SYNCS = "SELECT kind || ' ' || state FROM mirror_syncrun ORDER BY created_at"
BEATS = "SELECT name FROM mirror_beat ORDER BY name"
END_ALL = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@pytest.fixture
def own() -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """A portal that a test may break."""
    with scratch_folder() as folder, scratch_database("own") as database:
        broker = os.environ.get("CELERY_BROKER_URL", "")
        # Another database of the same server, or the workers of two portals would take each other's tasks.
        more = {"CELERY_BROKER_URL": urlsplit(broker)._replace(path="/13").geturl()} if broker else {}
        environment = environment_of(folder, **database, **more)
        process = start(environment)
        try:
            yield process, environment
        finally:
            if process.poll() is None:
                stop(process)


def test_it_says_where_it_is_and_how_to_sign_in(portal: Portal) -> None:
    assert f"The portal is ready at {portal.url}/ after" in portal.log()
    for name in ("ada", "erin", "remy", "olga", "audra", "vic", "warehouse-demo"):
        assert name in portal.log()
    assert answers(portal)


def test_the_first_sync_starts_by_itself(portal: Portal) -> None:
    wait_for(lambda: ask(portal, SYNCS)[:1] == ["full succeeded"], FIRST_SYNC_WITHIN, portal.log)


def test_every_check_of_the_doctor_passes(portal: Portal) -> None:
    assert {name: check["text"] for name, check in doctor(portal).items() if not check["ok"]} == {}


def test_what_it_keeps_is_nobody_else_s_to_read(portal: Portal) -> None:
    ours = [path for path in portal.folder.rglob("*") if path.name != "run.log" and path.exists()]
    assert len(ours) > 5
    assert [path.name for path in ours if path.stat().st_mode & 0o077] == []


def test_one_folder_runs_one_portal(portal: Portal) -> None:
    done = manage({**portal.environment, "PORT": "1"}, "run")
    assert done.returncode == 1
    assert f"The portal already runs on {portal.folder}; stop it first, or set VAR_DIR." in done.stderr


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        done = manage(environment_of(tmp_path, PORT=str(number)), "run")
    assert done.returncode == 1
    assert f"Port {number} on 127.0.0.1 is taken; set PORT to a free one" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_option_is_misuse(tmp_path: Path) -> None:
    assert manage(environment_of(tmp_path), "run", "--nonsense").returncode == 2


@pytest.mark.parametrize("name", ["DATABASE_URL", "CELERY_BROKER_URL", "REDIS_URL"])
def test_a_service_that_is_away_is_named(tmp_path: Path, name: str) -> None:
    away = {"DATABASE_URL": "postgres://me:pass-word@127.0.0.1:1/none"}.get(name, "redis://:pass-word@127.0.0.1:1/0")
    done = manage(environment_of(tmp_path, **{name: away}), "run")
    assert done.returncode == 1
    assert f"check {name}" in done.stderr
    assert "pass-word" not in done.stdout + done.stderr and "Traceback" not in done.stderr


def test_a_portal_lives_through_the_death_of_each_of_its_processes(
    own: tuple[subprocess.Popen[bytes], dict[str, str]],
) -> None:
    process, environment = own
    running = wait_until_ready(process, environment)

    def replaced(name: str, killed: int) -> bool:
        return child(process.pid, name) not in (None, killed)

    for name in CHILDREN:
        if name == "broker" and "CELERY_BROKER_URL" in environment:
            continue
        wait_for(lambda name=name: child(process.pid, name) is not None, HEALS_WITHIN, running.log)
        killed = child(process.pid, name)
        assert killed is not None
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda name=name, killed=killed: replaced(name, killed), HEALS_WITHIN, running.log)
    ask(running, "DELETE FROM mirror_beat")
    wait_for(lambda: answers(running), HEALS_WITHIN, running.log)
    wait_for(lambda: ask(running, BEATS) == ["beat", "worker"], HEALS_WITHIN, running.log)


@pytest.mark.skipif("'DATABASE_URL' not in os.environ", reason="SQLite has no server that could be restarted")
def test_a_portal_lives_through_a_restart_of_its_database(
    own: tuple[subprocess.Popen[bytes], dict[str, str]],
) -> None:
    process, environment = own
    running = wait_until_ready(process, environment)
    wait_for(lambda: ask(running, SYNCS) == ["full succeeded"], BEGINS_WITHIN, running.log)
    wait_for(lambda: ask(running, BEATS) == ["beat", "worker"], HEALS_WITHIN, running.log)
    before = {name: child(process.pid, name) for name in CHILDREN}

    assert looks_up_a_token(running) == 401

    ask(running, END_ALL)  # what a restart does, as seen by those who were connected

    assert looks_up_a_token(running) == 401
    ask(running, "DELETE FROM mirror_beat")
    wait_for(lambda: ask(running, BEATS) == ["beat", "worker"], HEALS_WITHIN, running.log)
    assert manage(environment, "shell", "--no-imports", "-c", START_SYNC).returncode == 0
    wait_for(lambda: ask(running, SYNCS)[1:] == ["incremental succeeded"], HEALS_WITHIN, running.log)
    assert {name: child(process.pid, name) for name in CHILDREN} == before


START_SYNC = """
from warehouse_admin.accounts.models import Connection
from warehouse_admin.mirror import services
services.start_sync(connection=Connection.objects.get())
"""


def test_a_killed_portal_leaves_nothing_behind_and_goes_on_with_its_queue_and_its_sandbox(
    own: tuple[subprocess.Popen[bytes], dict[str, str]],
) -> None:
    process, environment = own
    running = wait_until_ready(process, environment)
    wait_for(lambda: ask(running, SYNCS) == ["full succeeded"], BEGINS_WITHIN, running.log)
    made = {"name": "made_outside", "query": "SELECT 1 AS one"}
    requests.post(f"{running.sandbox_url}/sandbox/outside/create", json=made, timeout=10).raise_for_status()
    worker = child(process.pid, "worker")
    assert worker is not None
    process.send_signal(signal.SIGSTOP)  # so that nobody heals the worker, and what is queued from now on waits
    os.kill(worker, signal.SIGKILL)
    assert manage(environment, "shell", "--no-imports", "-c", START_SYNC).returncode == 0
    assert ask(running, SYNCS)[1:] == ["incremental queued"]
    time.sleep(1.5)  # the broker writes its queue to the disk once a second
    left = children_of(process.pid)
    process.kill()
    process.wait()
    wait_for(lambda: not any(alive(pid) for pid in left), HEALS_WITHIN, lambda: str(left))

    process = start(environment)
    try:
        again = wait_until_ready(process, environment)
        wait_for(lambda: ask(again, SYNCS)[1:2] == ["incremental succeeded"], HEALS_WITHIN, again.log)
        assert ask(again, "SELECT name FROM mirror_savedquery WHERE name = 'made_outside'") == ["made_outside"]
        left = children_of(process.pid)
        assert stop(process) == 0
        assert [command for pid, command in left.items() if alive(pid)] == []
    finally:
        if process.poll() is None:
            stop(process)


def alive(pid: int) -> bool:
    """Whether a process lives; one that has ended and was not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

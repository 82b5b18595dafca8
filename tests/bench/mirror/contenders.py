"""Those that are measured, each run in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from tests.bench.mirror.measuring import peak_mb
from tests.bench.mirror.server import Server
from tests.running import scratch_database, scratch_folder
from warehouse_admin.management.supervisor import LEAN
from warehouse_admin.sandbox.people import FULL_KEY

DLT_REQUIREMENTS = Path(__file__).parents[2] / "requirements-bench.txt"
SYNC = [sys.executable, "-m", "tests.bench.mirror.portal_sync"]
DLT_VENV = Path(sys.prefix) / "bench"


@dataclass(frozen=True)
class Measured:
    """One run of a contender; see `measuring`. `refused`: answers of 429."""

    seconds: float
    cpu: float
    peak_mb: float
    requests: int = 0
    refused: int = 0

    @classmethod
    def of(cls, command: list[str], environment: dict[str, str], server: Server | None = None) -> Measured:
        """Run a contender, which tells of itself on its last line."""
        if server:
            server.counts()
        done = subprocess.run(command, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, check=True)
        told = json.loads(done.stdout.decode().strip().splitlines()[-1])
        counted = server.counts() if server else {}
        return cls(**told, **{name: counted[name] for name in ("requests", "refused") if name in counted})


class Portal:
    """The portal's own sync on an empty database, as `manage.py sync` runs it."""

    def __init__(self, environment: dict[str, str], server: Server) -> None:
        self.environment, self.server = environment, server

    def sync(self, *, counted: bool = True) -> Measured:
        """One sync in the foreground; `counted` False leaves the counting of its requests to the caller."""
        return Measured.of([*SYNC, "now"], self.environment, self.server if counted else None)

    def sync_by_worker(self) -> float:
        """One sync by the background worker of `make run`; gives the peak of the worker's memory in MB."""
        command = [sys.executable, "-m", "celery", "-A", "portal", "--quiet", "worker", "-P", "threads", "-c", "4"]
        environment = LEAN | self.environment  # as `make run` starts it
        with subprocess.Popen(command, env=environment, cwd=settings.BASE_DIR) as worker:
            try:
                subprocess.run([*SYNC, "queued"], env=self.environment, cwd=settings.BASE_DIR, check=True)
                return peak_mb(worker.pid)
            finally:
                worker.kill()  # what follows a sync, such as parsing every view for lineage, is not waited for


@contextmanager
def portal(server: Server, *, per_minute: int = 0) -> Iterator[Portal]:
    """An empty portal connected to the server."""
    with scratch_database("bench") as database, scratch_folder() as folder:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "REDIS_KEY_PREFIX": f"{folder.name}-",
            "BENCH_PER_MINUTE": str(per_minute),
            "BENCH_HOST": server.url,
            "BENCH_KEY": FULL_KEY,
            "LOG_LEVEL": "warning",
            **database,
        }
        subprocess.run([*SYNC, "prepare"], env=environment, cwd=settings.BASE_DIR, check=True)
        try:
            yield Portal(environment, server)
        finally:
            for left in Path(settings.VAR_DIR).glob("sandbox.sqlite3*"):  # where there is no database of its own
                left.unlink()


def bare_loop(server: Server) -> Measured:
    """A loop of `requests` that fetches the same answers and keeps nothing."""
    command = [sys.executable, "-m", "tests.bench.mirror.bare_loop", server.url, FULL_KEY]
    return Measured.of(command, dict(os.environ), server)


class Dlt:
    """dlt's REST API source, which loads the same lists and details into the same kind of database."""

    def __init__(self, folder: Path, database_url: str, server: Server) -> None:
        self.folder, self.database_url, self.server = folder, database_url, server

    def load(self) -> Measured:
        command = [str(DLT_VENV / "bin" / "python"), "-m", "tests.bench.mirror.dlt_load", self.server.url, FULL_KEY]
        environment = {**os.environ, "DLT_DATA_DIR": str(self.folder), "RUNTIME__DLTHUB_TELEMETRY": "false"}
        return Measured.of([*command, self.database_url, str(self.folder)], environment, self.server)


@contextmanager
def dlt(server: Server) -> Iterator[Dlt]:
    """An empty database for dlt, installed into a virtual environment of its own since its pins are not ours."""
    _install_dlt()
    with scratch_database("dlt") as database, scratch_folder() as folder:
        url = database.get("DATABASE_URL") or f"sqlite:///{folder}/dlt.sqlite3"
        yield Dlt(folder, url, server)


def _install_dlt() -> None:
    marker = DLT_VENV / ".installed"
    if marker.exists() and marker.stat().st_mtime >= DLT_REQUIREMENTS.stat().st_mtime:
        return
    venv.create(DLT_VENV, with_pip=True)
    pip = [str(DLT_VENV / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "-r", str(DLT_REQUIREMENTS)], check=True)
    marker.touch()

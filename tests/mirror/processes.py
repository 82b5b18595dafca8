"""Processes of their own that work on the suite's database: a worker, and somebody who holds a lock."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection as database

_WORKER = """
import sys
import django
django.setup()
from warehouse_admin.mirror import services
print("ready", flush=True)
for line in sys.stdin:
    sync = services.run_sync(line.strip())
    print(sync.state if sync else "not taken", flush=True)
"""
_LOCK_HOLDER = """
import sqlite3, sys
link = sqlite3.connect(sys.argv[1], isolation_level=None)
link.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
"""


def database_url() -> str:
    """The database of the test at hand, as DATABASE_URL names one."""
    name = str(database.settings_dict["NAME"])
    if database.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


class Worker:
    """A process that carries out the syncs it is told to, as a task of a Celery worker does."""

    def __init__(self) -> None:
        environment = {**os.environ, "DATABASE_URL": database_url(), "DJANGO_SETTINGS_MODULE": "portal.settings_test"}
        self.process = _start([sys.executable, "-c", _WORKER], environment)
        assert self.answer() == "ready"

    def run_sync(self, sync_id: object) -> None:
        """Begin; `answer` waits for the end."""
        assert self.process.stdin
        self.process.stdin.write(f"{sync_id}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        """The state in which the sync ended, or that it was not there to be taken."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        """As the kernel does it: no chance to say goodbye."""
        self.process.kill()
        self.process.wait()


@contextmanager
def worker() -> Iterator[Worker]:
    started = Worker()
    try:
        yield started
    finally:
        _end(started.process)


class WriteLock:
    """Somebody else's write transaction on the suite's SQLite file."""

    def __init__(self) -> None:
        self._holder: subprocess.Popen[str] | None = None

    def take(self) -> None:
        command = [sys.executable, "-c", _LOCK_HOLDER, str(database.settings_dict["NAME"])]
        self._holder = _start(command, dict(os.environ))
        assert self._holder.stdout and self._holder.stdout.readline() == "held\n"

    def release(self) -> None:
        if self._holder is not None:
            _end(self._holder)
            self._holder = None


def _start(command: list[str], environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, env=environment, cwd=settings.BASE_DIR, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()

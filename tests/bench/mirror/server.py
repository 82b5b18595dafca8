"""A sandbox in a process of its own, so that serving does not count as the work of whoever is measured."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from warehouse_admin.sandbox.server import SandboxServer


@dataclass
class Server:
    """The running server and what can be asked of it over its standard input."""

    url: str
    _process: subprocess.Popen[str]

    def counts(self) -> dict[str, int]:
        """Answers since the last time this was asked: `requests`; of those, `refused` with 429 and bulk `resumes`."""
        return self._ask("counts")

    def in_first_minutes(self, minutes: int) -> int:
        """Requests in so many minutes from the first one that has not been counted yet."""
        return self._ask(f"minutes {minutes}")["requests"]

    def edit(self, views: int) -> None:
        """Change the SQL of so many views."""
        self._ask(f"edit {views}")

    def suspend(self) -> None:
        """Suspend every schedule; views without one get one first."""
        self._ask("suspend")

    def _ask(self, command: str) -> dict[str, int]:
        assert self._process.stdin and self._process.stdout
        print(command, file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())


@contextmanager
def serving(size: int, *, latency_ms: float = 20, per_minute: int = 0, generation: str = "D") -> Iterator[Server]:
    """A warehouse of so many views; `per_minute` 0: no limit of the rate."""
    options = [str(size), str(latency_ms), str(per_minute), generation]
    command = [sys.executable, "-m", "tests.bench.mirror.server", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdin
        yield Server(json.loads(process.stdout.readline())["url"], process)
        process.stdin.close()  # its end ends the server


def main(arguments: list[str]) -> None:
    """Serve, and obey the lines of standard input until it ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("size", type=int)
    parser.add_argument("latency_ms", type=float)
    parser.add_argument("per_minute", type=int)
    parser.add_argument("generation")
    options = parser.parse_args(arguments)
    with SandboxServer(options.generation, size=options.size, latency_ms=options.latency_ms) as server:
        if options.per_minute:
            server.world.rate = (options.per_minute, 1_000_000)
        _tell({"url": server.url})
        for line in sys.stdin:
            _tell(_obey(server, line.split()))


def _obey(server: SandboxServer, words: list[str]) -> dict[str, Any]:
    world = server.world
    with world.lock:
        if words[0] == "edit":
            for view in list(world.views.values())[: int(words[1])]:
                world.edit_outside(view.id, f"{view.sql}\n-- edited")
            return {}
        if words[0] == "suspend":
            for view in list(world.views.values()):
                world.suspend(view.id)
            return {}
        if words[0] == "minutes":
            until = world.requests[0].at + 60 * int(words[1])
            return {"requests": sum(request.at < until for request in world.requests)}
        refused, resumes = (r.status == 429 for r in world.requests), world.requests_to("resume_schedules")
        seen = {"requests": len(world.requests), "refused": sum(refused), "resumes": len(resumes)}
        world.requests.clear()
        return seen


def _tell(said: dict[str, Any]) -> None:
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

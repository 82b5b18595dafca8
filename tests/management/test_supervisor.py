"""The supervisor with real processes: it heals what dies, ends everything it started, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings

from tests.running import wait_for
from warehouse_admin.management import supervisor

WITHIN = 15.0  # seconds
CHILD = """
import os, signal, sys, time
name, folder, on_term = sys.argv[1:]
def note(word):
    with open(f"{folder}/events", "a") as file:
        file.write(f"{word} {name} {os.getpid()}\\n")
def end(*_):
    note("ended")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if on_term == "ignore" else end)
note("started")
if on_term == "fail":
    sys.exit(3)
time.sleep(300)
"""
DRIVER = """
import sys
from warehouse_admin.management import supervisor as under_test
folder, grace, *children = sys.argv[1:]
under_test.STOP_GRACE = float(grace)
watcher = under_test.Supervisor(lambda text: print(text, flush=True))
for child in children:
    name, on_term, *foundation = child.split(":")
    command = [sys.executable, f"{folder}/child.py", name, folder, on_term]
    watcher.add(under_test.Process(name, command, foundation=bool(foundation)))
try:
    watcher.watch()
finally:
    watcher.stop()
"""


class Supervised:
    """A supervisor in a process of its own, and what its children wrote down."""

    def __init__(self, folder: Path, *children: str, grace: float = 10.0) -> None:
        self.folder = folder
        (folder / "child.py").write_text(CHILD)
        (folder / "driver.py").write_text(DRIVER)
        (folder / "events").touch()
        with (folder / "said").open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, str(folder / "driver.py"), str(folder), str(grace), *children],
                stdout=said,
                env={**os.environ, "PYTHONPATH": str(settings.BASE_DIR)},
            )
        self.wait(lambda: len(self.events("started")) >= len(children))

    def events(self, word: str) -> list[tuple[str, int]]:
        """Names and process ids, oldest first."""
        rows = [line.split() for line in (self.folder / "events").read_text().splitlines()]
        return [(row[1], int(row[2])) for row in rows if row[0] == word]

    def said(self) -> str:
        return (self.folder / "said").read_text()

    def wait(self, condition: Callable[[], bool]) -> None:
        wait_for(condition, WITHIN, lambda: f"{(self.folder / 'events').read_text()}\n{self.said()}")

    def pids(self) -> list[int]:
        return [pid for _, pid in self.events("started")]


def runs(pid: int) -> bool:
    """Whether a process lives; one that has ended and was not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    started: list[Supervised] = []

    def make(*children: str, grace: float = 10.0) -> Supervised:
        started.append(Supervised(tmp_path, *children, grace=grace))
        return started[-1]

    yield make
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()
        for pid in each.pids():
            if runs(pid):
                os.kill(pid, signal.SIGKILL)


def test_a_killed_process_is_started_again(supervise: Callable[..., Supervised]) -> None:
    portal = supervise("web:end", "worker:end")
    killed = dict(portal.events("started"))["web"]
    os.kill(killed, signal.SIGKILL)
    portal.wait(lambda: len(portal.events("started")) == 3)
    assert portal.events("started")[-1][0] == "web"
    portal.wait(lambda: "web was ended by SIGKILL; starting it again" in portal.said())


def test_a_process_that_keeps_failing_is_started_ever_more_seldom(supervise: Callable[..., Supervised]) -> None:
    portal = supervise("web:fail")
    portal.wait(lambda: "web ended with status 3; starting it again in 4 s" in portal.said())
    assert "web ended with status 3; starting it again\n" in portal.said()
    assert "web ended with status 3; starting it again in 2 s\n" in portal.said()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_and_the_foundations_last(
    supervise: Callable[..., Supervised], number: signal.Signals
) -> None:
    portal = supervise("broker:end:foundation", "web:end", "worker:end")
    portal.process.send_signal(number)
    assert portal.process.wait(WITHIN) == 0
    ended = [name for name, _ in portal.events("ended")]
    assert sorted(ended[:2]) == ["web", "worker"]
    assert ended[2:] == ["broker"]


def test_what_does_not_end_when_asked_is_killed(supervise: Callable[..., Supervised]) -> None:
    portal = supervise("worker:ignore", grace=0.5)
    portal.process.terminate()
    assert portal.process.wait(WITHIN) == 0
    assert not any(runs(pid) for pid in portal.pids())


def test_a_second_signal_does_not_wait(supervise: Callable[..., Supervised]) -> None:
    portal = supervise("web:end", "worker:ignore", grace=60)
    portal.process.terminate()
    portal.wait(lambda: len(portal.events("ended")) == 1)
    portal.process.terminate()
    assert portal.process.wait(WITHIN) == 0
    assert not any(runs(pid) for pid in portal.pids())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_killing_the_supervisor_leaves_no_orphan(supervise: Callable[..., Supervised]) -> None:
    portal = supervise("broker:end:foundation", "web:end")
    portal.process.kill()
    portal.process.wait()
    portal.wait(lambda: not any(runs(pid) for pid in portal.pids()))


@pytest.mark.parametrize(("asked", "held"), [(None, "2"), ("8", "8")])
def test_threads_share_their_heaps_unless_somebody_wants_it_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str | None, held: str
) -> None:
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    if asked:
        monkeypatch.setenv("MALLOC_ARENA_MAX", asked)
    telling = "import os, pathlib; pathlib.Path('told').write_text(os.environ['MALLOC_ARENA_MAX'])"
    child = supervisor.Process("child", [sys.executable, "-c", telling], cwd=tmp_path)

    child.start()

    assert child.running is not None and child.running.wait(WITHIN) == 0
    assert (tmp_path / "told").read_text() == held

"""Keeps a handful of processes alive for one foreground command, and ends them all with it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

STABLE_AFTER = 30.0  # a process that lived this long, in seconds, starts anew without waiting
LONGEST_WAIT = 15.0
STOP_GRACE = 12.0
LEAN = {"MALLOC_ARENA_MAX": "2"}
"""Of glibc: threads share their heaps instead of filling one each, of which half stays empty. Others do not know it."""
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _die_with(parent: int, number: int) -> None:
    """On Linux the kernel signals the child when the supervisor is killed, so that none is left behind."""
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # killed between the fork and the line above
        os._exit(1)


@dataclass
class Process:
    """One child: how to start it, and how it is doing. Others stand on a `foundation`, so it is stopped last."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    foundation: bool = False
    orphan_signal: signal.Signals = signal.SIGTERM
    running: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    failures: int = 0

    @property
    def alive(self) -> bool:
        return self.running is not None and self.running.poll() is None

    def start(self) -> None:
        self.started_at = time.monotonic()
        parent = os.getpid()
        self.running = subprocess.Popen(  # noqa: S603  our own commands, no shell
            self.command,
            env={**LEAN, **os.environ, **self.env},
            cwd=self.cwd,
            start_new_session=True,
            preexec_fn=lambda: _die_with(parent, self.orphan_signal),
            stdin=subprocess.DEVNULL,
        )

    def check(self, say: Callable[[str], None]) -> None:
        """Notice an end, and start again after a wait that grows with each quick failure."""
        if self.running is None:
            if time.monotonic() >= self.restart_at:
                self.start()
            return
        code = self.running.poll()
        if code is None:
            return
        self.kill()  # children it left behind would keep the port
        lived = time.monotonic() - self.started_at
        self.failures = 0 if lived > STABLE_AFTER else self.failures + 1
        wait = 0.0 if self.failures < 2 else min(LONGEST_WAIT, 2.0 ** (self.failures - 1))
        say(f"{self.name} {_ended(code)}; starting it again" + (f" in {wait:.0f} s" if wait else ""))
        self.running, self.restart_at = None, time.monotonic() + wait

    def ask_to_stop(self) -> None:
        if self.running and self.alive:
            self.running.terminate()

    def kill(self) -> None:
        """End the process and all it started, at once."""
        if not self.running:
            return
        try:
            os.killpg(self.running.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS says the latter of a group that is ending
            pass
        self.running.wait()


def _ended(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


class Supervisor:
    """Starts processes in order, watches them until a signal, then stops them; a second signal stops them at once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.processes: list[Process] = []
        self.signals = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._count_signal)

    def _count_signal(self, number: int, frame: object) -> None:
        self.signals += 1

    @property
    def stopping(self) -> bool:
        return self.signals > 0

    def add(self, process: Process) -> None:
        """Start a process now and keep it alive from now on; does nothing once asked to stop."""
        if self.stopping:
            return
        process.start()
        self.processes.append(process)

    def check(self) -> None:
        """Start again whatever has ended."""
        for process in self.processes:
            process.check(self.say)

    def wait_until(self, ready: Callable[[], bool], *, what: str, seconds: float = 30.0) -> bool:
        """Poll `ready` while watching; false when asked to stop or out of time."""
        deadline = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < deadline:
            if ready():
                return True
            self.check()
            time.sleep(0.05)
        if not self.stopping:
            self.say(f"{what} did not answer within {seconds:.0f} s; see the messages above")
        return False

    def watch(self) -> None:
        """Keep everything alive until a signal asks to stop."""
        while not self.stopping:
            self.check()
            time.sleep(0.3)

    def stop(self) -> None:
        """End what stands on the foundations, all at once, then the foundations."""
        _stop([each for each in self.processes if not each.foundation], hurry=lambda: self.signals > 1)
        _stop([each for each in self.processes if each.foundation], hurry=lambda: self.signals > 1)


def _stop(processes: Iterable[Process], *, hurry: Callable[[], bool]) -> None:
    """Ask, wait for STOP_GRACE seconds or until somebody is in a hurry, then kill."""
    asked = [process for process in processes if process.alive]
    for process in asked:
        process.ask_to_stop()
    deadline = time.monotonic() + STOP_GRACE
    while any(process.alive for process in asked) and time.monotonic() < deadline and not hurry():
        time.sleep(0.05)
    for process in asked:
        process.kill()

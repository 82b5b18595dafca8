"""Keeps a handful of processes alive for one foreground command, and ends them all with it."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

STABLE_AFTER = 30.0  # a process that lived this long, in seconds, starts anew without waiting
LONGEST_WAIT = 15.0
STOP_GRACE = 12.0
_PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """On Linux the kernel ends the child when the supervisor is killed, so that none is left behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


@dataclass
class Process:
    """One child: how to start it, and how it is doing."""

    name: str
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    running: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float = 0.0
    failures: int = 0

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.running = subprocess.Popen(  # noqa: S603  our own commands, no shell
            self.command,
            env={**os.environ, **self.env},
            cwd=self.cwd,
            start_new_session=True,
            preexec_fn=_die_with_parent,
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
        lived = time.monotonic() - self.started_at
        self.failures = 0 if lived > STABLE_AFTER else self.failures + 1
        wait = 0.0 if self.failures < 2 else min(LONGEST_WAIT, 2.0 ** (self.failures - 1))
        say(f"{self.name} ended with status {code}; starting it again" + (f" in {wait:.0f} s" if wait else ""))
        self.running, self.restart_at = None, time.monotonic() + wait

    def stop(self) -> None:
        if self.running and self.running.poll() is None:
            self.running.send_signal(self.stop_signal)

    def wait(self, deadline: float) -> None:
        if not self.running:
            return
        try:
            self.running.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()


class Supervisor:
    """Starts processes in order, watches them until a signal, then stops them in reverse order."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.processes: list[Process] = []
        self.stopping = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self.stopping = True

    def add(self, process: Process) -> Process:
        """Start a process now and keep it alive from now on."""
        process.start()
        self.processes.append(process)
        return process

    def wait_until(self, ready: Callable[[], bool], *, what: str, seconds: float = 30.0) -> bool:
        """Poll `ready` while watching; false when asked to stop or out of time."""
        deadline = time.monotonic() + seconds
        while not self.stopping and time.monotonic() < deadline:
            if ready():
                return True
            for process in self.processes:
                process.check(self.say)
            time.sleep(0.05)
        if not self.stopping:
            self.say(f"{what} did not answer within {seconds:.0f} s; see the messages above")
        return False

    def watch(self) -> None:
        while not self.stopping:
            for process in self.processes:
                process.check(self.say)
            time.sleep(0.3)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop()
            process.wait(time.monotonic() + STOP_GRACE)

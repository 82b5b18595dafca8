"""Keep a helper process per process of ours, the grammar for one, and ask it questions with a deadline."""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

GRAMMAR = Path(__file__).with_name("parser_child.py")
_START_SECONDS = 10.0
_CHUNK = 1 << 16
# Nothing else of our environment reaches the child: it needs no secret.
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


class NoAnswer(Exception):
    """The child was too slow, or died. It has been ended; the next question starts a fresh one."""


class Unavailable(Exception):
    """What it runs, the grammar for one, cannot be started on this machine."""


class _Child:
    """One running helper process; its pipes never block us past a deadline."""

    def __init__(self, script: Path) -> None:
        if os.name == "nt":
            raise Unavailable("the grammar is not built for Windows")
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            self._process = subprocess.Popen(  # noqa: S603 (our own script, no argument from outside)
                [sys.executable, "-I", str(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                env=environment,
            )
        except OSError as error:
            raise Unavailable(str(error)) from error
        if self._process.stdin is None or self._process.stdout is None:
            raise Unavailable("no pipes")
        self._in = self._process.stdin.fileno()
        self._out = self._process.stdout.fileno()
        os.set_blocking(self._in, False)
        os.set_blocking(self._out, False)
        self._await_start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _await_start(self) -> None:
        try:
            hello = self._read_line(time.monotonic() + _START_SECONDS)
        except NoAnswer as error:
            self.end()
            raise Unavailable("the grammar did not start") from error
        if not json.loads(hello)["ready"]:
            self.end()
            raise Unavailable("the grammar is not installed")

    def ask(self, sql: str, seconds: float) -> bytes:
        """Return the answer as JSON; raises NoAnswer."""
        deadline = time.monotonic() + seconds
        self._write(json.dumps(sql).encode() + b"\n", deadline)
        return self._read_line(deadline)

    def _write(self, data: bytes, deadline: float) -> None:
        rest = memoryview(data)
        while rest:
            if not select.select([], [self._in], [], max(0.0, deadline - time.monotonic()))[1]:
                raise NoAnswer
            try:
                rest = rest[os.write(self._in, rest[:_CHUNK]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as error:
                raise NoAnswer from error

    def _read_line(self, deadline: float) -> bytes:
        """Read up to the next line end; the child says nothing before it is asked again."""
        parts: list[bytes] = []
        while True:
            if not select.select([self._out], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise NoAnswer
            part = os.read(self._out, _CHUNK)
            if not part:
                raise NoAnswer
            parts.append(part)
            if part.endswith(b"\n"):
                return b"".join(parts)

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def end(self) -> None:
        """Kill the process and reap it."""
        self._process.kill()
        self._process.wait()
        self._close()

    def forget(self) -> None:
        """After a fork: let go of a process that belongs to our parent, leaving it alone."""
        self._close()
        self._process.returncode = 0  # not ours to wait for; keeps Popen from trying


class Helper:
    """The process of this process that runs one script. Safe to share between threads, and across a fork."""

    def __init__(self, script: Path = GRAMMAR) -> None:
        self._script = script
        self._lock = threading.Lock()
        self._child: _Child | None = None
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self.stop)

    @property
    def pid(self) -> int | None:
        """The process id of the running child, if one runs."""
        return self._child.pid if self._child else None

    def ask(self, sql: str, deadlines: tuple[float, ...]) -> bytes:
        """Ask once per deadline (seconds), each time after the first in a fresh child; raises NoAnswer, Unavailable."""
        with self._lock:
            for seconds in deadlines:
                try:
                    return self._running().ask(sql, seconds)
                except NoAnswer:
                    self._end()
        raise NoAnswer

    def stop(self) -> None:
        """End the child, if there is one; the next question starts another."""
        with self._lock:
            self._end()

    def _running(self) -> _Child:
        if self._child is None:
            self._child = _Child(self._script)
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _after_fork(self) -> None:
        # Another thread of the parent may have held the lock; that thread does not exist here.
        self._lock = threading.Lock()
        child, self._child = self._child, None
        if child is not None:
            child.forget()

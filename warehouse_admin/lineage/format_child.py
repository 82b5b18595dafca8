"""The process that lays queries out, apart from every web and worker process.

Run as a script, never imported by the portal: a text that the library is slow on must be ended from outside. One JSON
string per line comes in, one JSON object per line goes out.
"""

import json
import signal
import sys
from typing import Any

# The caller's deadline is shorter. A child whose caller died meanwhile would otherwise spin on.
LONGEST_SECONDS = 8
MEMORY_BYTES = 1 << 30
LINE_LENGTH = 100


def limit_memory() -> None:
    """Let a runaway text fail for itself instead of starving the machine."""
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (OSError, ValueError):
        pass  # not every system has this limit; the deadline still holds


def answer(told: dict[str, Any]) -> None:
    """Write one line to standard output."""
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Answer until standard input closes, which it does when the caller ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, who may still need an answer
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    try:
        from sqlfmt.api import format_string
        from sqlfmt.exception import SqlfmtError
        from sqlfmt.mode import Mode
    except ImportError:
        answer({"ready": False})
        return
    limit_memory()
    # ClickHouse: names keep their case. Templates are no part of HogQL and stay as they are.
    mode = Mode(dialect_name="clickhouse", line_length=LINE_LENGTH, no_jinjafmt=True, no_progressbar=True)
    answer({"ready": True})
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_REAL, LONGEST_SECONDS)
        try:
            told: dict[str, Any] = {"text": format_string(json.loads(line), mode)}
        except (SqlfmtError, RecursionError, ValueError, IndexError, KeyError, AttributeError, AssertionError):
            told = {"text": None}  # a library for other dialects meets text it never saw
        signal.setitimer(signal.ITIMER_REAL, 0)
        answer(told)


if __name__ == "__main__":
    main()

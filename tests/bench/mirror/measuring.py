"""What a contender tells of itself; only the standard library, since each runs in an environment of its own."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def measured() -> Iterator[None]:
    """Measure a block and print it: seconds, processor seconds, and the peak of the whole process' memory in MB."""
    began, cpu = time.perf_counter(), time.process_time()
    yield
    told = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "peak_mb": peak_mb()}
    print(json.dumps(told))


def peak_mb(process: int | str = "self") -> float:
    """The most memory that a process had, in MB; of another process only where /proc tells."""
    status = Path(f"/proc/{process}/status")
    if status.exists():  # on Linux getrusage tells of whoever started us, too
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    if process != "self":
        return float("nan")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6

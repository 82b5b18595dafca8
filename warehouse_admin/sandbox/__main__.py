"""`python -m warehouse_admin.sandbox`: serve until told to stop."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from .server import SandboxServer
from .state import BadState


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="warehouse_admin.sandbox", description="A stand-in PostHog on 127.0.0.1.")
    parser.add_argument("--port", type=int, default=8010)
    parser.add_argument("--generation", choices=list("ABCD"), help="which server behaviour to show (D, or the state's)")
    parser.add_argument("--state", type=Path, help="a file that keeps the warehouse across restarts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, help="a plain warehouse of this many views instead of the demonstration")
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--key", action="append", default=[], help="one more personal key with all scopes (repeats)")
    return parser.parse_args(arguments)


def main() -> int:
    options = parse()
    try:
        server = SandboxServer(
            options.generation or "D",
            options.port,
            options.seed,
            options.size,
            state_file=options.state,
            latency_ms=options.latency_ms,
            live=options.size is None,
        )
    except (BadState, OSError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    if options.generation:
        server.world.set_generation(options.generation)
    for value in options.key:
        server.world.add_key(value, by="portal")
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    server.start()
    print(f"sandbox ready on {server.url}", flush=True)
    asked_to_stop.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())

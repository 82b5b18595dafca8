"""The process that runs the HogQL grammar, apart from every web and worker process.

Run as a script, never imported by the portal: the grammar holds the interpreter lock and is exponential on some
nestings, so its caller must be able to kill it. One JSON string per line comes in, one JSON object per line goes out.
"""

import json
import signal
import sys
import types

# The caller's longest deadline is shorter. A child whose caller died in the middle of a parse would otherwise spin on.
LONGEST_PARSE_SECONDS = 8
MEMORY_BYTES = 1 << 30

# The grammar imports this module for its exceptions, which JSON mode never raises.
_STUBS = ("posthog", "posthog.hogql", "posthog.hogql.errors")


def load_grammar() -> types.ModuleType:
    """Import the grammar with empty stand-ins for the package it expects around it."""
    for name in _STUBS:
        sys.modules[name] = types.ModuleType(name)
    try:
        import hogql_parser
    finally:
        for name in _STUBS:
            del sys.modules[name]
    return hogql_parser


def limit_memory() -> None:
    """Let a runaway parse fail for itself instead of starving the machine."""
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    except (OSError, ValueError):
        pass  # not every system has this limit; the deadline still holds


def answer(line: bytes) -> None:
    """Write one line to standard output."""
    sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


def main() -> None:
    """Answer until standard input closes, which it does when the caller ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the caller, who may still need an answer
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    try:
        grammar = load_grammar()
    except ImportError:
        answer(b'{"ready": false}')
        return
    limit_memory()
    answer(b'{"ready": true}')
    for line in sys.stdin.buffer:
        signal.setitimer(signal.ITIMER_REAL, LONGEST_PARSE_SECONDS)
        tree = grammar.parse_select_json(json.loads(line), is_internal=False)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answer(tree.encode())


if __name__ == "__main__":
    main()

"""Benchmarks: `make bench`. Each prints what it measured; nothing here decides whether a test passes."""

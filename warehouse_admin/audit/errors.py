"""What can go wrong with the trail itself."""

from __future__ import annotations


class ChainBroken(Exception):
    """The end of the chain moved under its lock, or is gone: nothing was written, and nothing may be done either."""

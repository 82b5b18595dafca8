"""The keys of a bucket in a proposal: checked as they were typed, shown as nothing but that they are set."""

from __future__ import annotations

from typing import Any

from warehouse_admin.mutations import services as mutations
from warehouse_admin.posthog.buckets import LONGEST_KEY

KEYS = mutations.CREDENTIAL
"""The field of a proposal that has them: as `Entered` until it is saved, as a marker afterwards."""
PARTS = {"access_key": "access key", "access_secret": "secret"}


def problems_with(value: Any) -> dict[str, list[str]]:
    """What is wrong with each of the keys, by field; nothing with a marker, which stands for keys that were right."""
    if isinstance(value, dict) and "id" in value:
        return {}
    if not isinstance(value, mutations.Entered):
        return {KEYS: ["Enter the access key and the secret of the bucket."]}
    found = {}
    for name, word in PARTS.items():
        if wrong := _problem(getattr(value, name), word):
            found[f"{KEYS}.{name}"] = [wrong]
    return found


def _problem(text: str, word: str) -> str:
    """Never quotes what was typed."""
    if not text or not text.strip():
        return f"The {word} can't be blank."
    if len(text) > LONGEST_KEY:
        return f"At most {LONGEST_KEY} characters, please."
    return "" if text.isprintable() else f"The {word} has characters that are not seen, such as a line break."


def in_words(value: Any) -> str:
    """That they are set, and by whom once they are saved."""
    if isinstance(value, mutations.Entered):
        return "access key set, secret set"
    return mutations.told(value)

"""Bodies in which a field that is not taken is an error: what is dropped without a word was meant for something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class Strict(serializers.Serializer):
    """Refuses every field that it does not declare, beside what else is wrong."""

    def to_internal_value(self, data: Any) -> Any:
        strange = {name: [self.why_not(name)] for name in data if name not in self.fields} if _is_object(data) else {}
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**strange, **error.detail}) from None  # type: ignore[dict-item]
        if strange:
            raise serializers.ValidationError(strange)
        return value

    def why_not(self, name: str) -> str:
        """Why a field is refused and what to send instead, in a sentence."""
        taken = ", ".join(f"`{one}`" for one in self.fields)
        return f"There is no such field here; this takes {taken}." if taken else "This takes no fields."


def _is_object(data: Any) -> bool:
    return isinstance(data, Mapping)

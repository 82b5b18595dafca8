"""Small serializer fields."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class NullableText(serializers.CharField):
    """Reads an empty text as null: the mirror keeps "" where PostHog says nothing."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("read_only", True)
        super().__init__(allow_null=True, **kwargs)

    def to_representation(self, value: Any) -> Any:
        return super().to_representation(value) if value else None


class ExactText(serializers.CharField):
    """Text that is taken byte for byte; whether it may be empty or holds NUL is for the service to say."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, **{"allow_blank": True, **kwargs})


class Column(serializers.Serializer):
    name = serializers.CharField()
    type = serializers.CharField(allow_null=True)


def columns_of(stored: Any) -> list[dict[str, Any]]:
    """`[{name, type}]` from what the mirror keeps; anything else about a column is kept too."""
    if not isinstance(stored, list):
        return []
    return [
        {**one, "name": str(one.get("name", "")), "type": one.get("type")} for one in stored if isinstance(one, dict)
    ]

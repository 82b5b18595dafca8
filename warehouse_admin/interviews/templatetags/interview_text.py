"""The texts of an interview in templates."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString

from warehouse_admin.interviews import markdown

register = template.Library()


@register.filter
def as_markdown(text: str) -> SafeString:
    """A summary as clean HTML, for inside `.prose`."""
    return markdown.to_html(text)


@register.filter
def first_line(text: str) -> str:
    """The beginning of a summary as plain text."""
    return markdown.to_line(text)


@register.filter
def megabytes(size: int | None) -> str:
    """Bytes as people read them."""
    size = size or 0
    return f"{size / 1024 / 1024:,.1f} MB" if size >= 1024 * 1024 else f"{max(1, round(size / 1024)):,} kB"

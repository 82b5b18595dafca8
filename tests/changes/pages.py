"""Reading what a page shows."""

from __future__ import annotations

import html
import re

from django.http import HttpResponse
from django.urls import reverse

from warehouse_admin.changes.models import ChangeRequest


def url(name: str, change: ChangeRequest, *more: int) -> str:
    return reverse(f"changes:{name}", args=[change.pk, *more])


def shown(response: HttpResponse) -> str:
    """The markup, with entities as the letters they stand for."""
    return html.unescape(response.content.decode())


def words(response: HttpResponse) -> str:
    """Only what a person reads, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def textarea(response: HttpResponse, name: str = "query") -> str:
    """What stands in a field of many lines."""
    found = re.search(rf'<textarea name="{name}".*?>\n?(.*?)</textarea>', response.content.decode(), re.DOTALL)
    assert found, f"no field {name}"
    return html.unescape(found[1])


def hidden(response: HttpResponse, name: str) -> str:
    """What a hidden field holds."""
    found = re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())
    assert found, f"no hidden field {name}"
    return found[1]

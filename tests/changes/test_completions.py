"""The names that the editor can offer: how they are sent, and within which bounds."""

from __future__ import annotations

import gzip
import json

import pytest
from django.urls import reverse

from tests.mirror.builders import make_view
from warehouse_admin.changes import completions
from warehouse_admin.mirror.models import SavedQuery

pytestmark = pytest.mark.django_db


def columns(count: int) -> list[dict[str, str]]:
    return [{"name": f"column_{number}", "type": "String" if number % 2 else "Int64"} for number in range(count)]


def entry(told: dict, name: str) -> dict:
    return next(table for table in told["tables"] if table["name"] == name)


def test_it_is_compressed_and_not_sent_twice(client_of, author, view):
    editor, address = client_of(author), reverse("changes:completions")

    packed = editor.get(address, headers={"Accept-Encoding": "gzip, br"})
    plain = editor.get(address)

    assert packed["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain
    assert json.loads(gzip.decompress(packed.content)) == plain.json()
    assert {"Accept-Encoding", "Cookie"} <= {word.strip() for word in packed["Vary"].split(",")}
    assert packed["Cache-Control"].startswith("private")
    again = editor.get(address, headers={"Accept-Encoding": "gzip", "If-None-Match": packed["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    SavedQuery.objects.filter(pk=view.pk).update(columns=columns(3))
    assert editor.get(address, headers={"If-None-Match": packed["ETag"]}).status_code == 200


def test_nobody_is_told_who_has_not_signed_in(client):
    assert client.get(reverse("changes:completions")).status_code == 302


def test_types_are_told_once_by_number(client_of, author, view):
    SavedQuery.objects.filter(pk=view.pk).update(columns=columns(3))

    told = client_of(author).get(reverse("changes:completions")).json()

    known = entry(told, view.name)
    assert known["columns"] == "column_0,column_1,column_2"
    assert [told["types"][number] for number in known["types"]] == ["Int64", "String", "Int64"]


def test_what_is_left_out_comes_by_name(client_of, author, view, monkeypatch):
    monkeypatch.setattr(completions, "MOST_COLUMNS_IN_ALL", 6)
    SavedQuery.objects.exclude(pk=view.pk).update(columns=[])
    SavedQuery.objects.filter(pk=view.pk).update(columns=columns(8))
    late = make_view(view.connection, "zzz_late", columns=columns(4))
    editor, address = client_of(author), reverse("changes:completions")

    told = editor.get(address).json()
    assert (len(entry(told, view.name)["columns"].split(",")), entry(told, view.name)["more"]) == (6, True)
    assert (entry(told, late.name)["columns"], entry(told, late.name)["more"]) == ("", True)

    asked = {"source": late.name, "connection": view.connection.slug}
    assert entry(editor.get(address, asked).json(), late.name)["columns"] == "column_0,column_1,column_2,column_3"
    assert editor.get(address, {"source": "nothing"}).json()["tables"] == []
    assert editor.get(address, {"source": late.name, "connection": "other"}).json()["tables"] == []


def test_a_comma_in_a_name_divides_nothing(client_of, author, view):
    SavedQuery.objects.filter(pk=view.pk).update(columns=[{"name": "a,b"}, {"name": "c"}])

    assert entry(client_of(author).get(reverse("changes:completions")).json(), view.name)["columns"] == ["a,b", "c"]

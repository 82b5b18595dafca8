"""Searching 10,000 views, as the search box does at each pause in typing: for words that one, many or all of them hold.

Beside each the same once the copies are stale, as in the middle of a first sync: slower, and it finds the same.
The first line tells what it costs to make the copies, which happens in the background after a sync.
"""

from __future__ import annotations

import statistics
import time
from urllib.parse import urlencode

from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench.list_pages import MOST_QUERIES, _portal, _seconds, _settle
from tests.bench.seed import seed_mirror
from warehouse_admin.accounts.models import User
from warehouse_admin.catalog import services as catalog
from warehouse_admin.mirror.models import SavedQuery
from warehouse_admin.mirror.search import indexes, texts

VIEWS = 10_000
ROUNDS = 9
MOST_SECONDS = 0.150
SEARCHES = {
    "a word of one view": "raw_orders_00042",
    "a word of many": "signed_up",
    "a word of all": "select",
    "no such word": "no_such_word",
    "two letters": "up",
    "three words": "signed_up churned mart",
    "a phrase": '"what people did"',
    "a column": "column:column_3",
    "in the SQL": "sql:exported_5",
    "in the name": "name:mart_0004",
    "one left out": "signed_up -churned",
    "a source": "uses:bench.stg_*",
    "an owner": "owner:me",
    "a tag": "tag:finance",
    "a state and a word": "state:failing signed_up",
    "letters that are not ASCII": "größe",
}


def run() -> None:
    client, connection = _portal()
    seed_mirror(connection, VIEWS)
    owner = User.objects.get(username="bench")
    for view in SavedQuery.objects.all()[:50]:
        catalog.describe(user=owner, subject=view, owner="bench", tag_names=["finance"])
    stale = {name: _median(client, typed, rounds=3) for name, typed in SEARCHES.items()}
    began = time.perf_counter()
    copied = texts.keep_up()
    taken = time.perf_counter() - began
    _settle()
    indexed = "with an index" if indexes.is_there(database) else "WITHOUT an index"
    print(f"On {database.display_name}, {indexed}: {copied:,} copies made in {taken:.1f} s, medians of {ROUNDS} in ms.")
    print(f"{'':28}{'ms':>8}{'stale':>8}{'queries':>9}{'found':>8}{'target':>9}")
    for name, typed in SEARCHES.items():
        with CaptureQueriesContext(database) as captured:
            answer = client.get("/saved-queries/", {"q": typed}, headers={"HX-Request": "true"})
            queries = len(captured)
        found = answer.content.count(b"row-link")
        taken = _median(client, typed, rounds=ROUNDS)
        missed = taken > MOST_SECONDS or queries > MOST_QUERIES
        verdict = "MISSED" if missed else "ok"
        cells = f"{taken * 1000:8.1f}{stale[name] * 1000:8.1f}{queries:9}{found:8}{'≤ 150':>9}"
        print(f"{name:28}{cells}  {verdict}")


def _median(client: Client, typed: str, *, rounds: int) -> float:
    url = f"/saved-queries/?{urlencode({'q': typed})}"
    taken = [_seconds(client, url, is_fragment=True) for _ in range(rounds + 1)]
    return statistics.median(taken[1:])  # the first loads templates

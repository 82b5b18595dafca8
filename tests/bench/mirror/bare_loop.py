"""`python -m tests.bench.mirror.bare_loop URL KEY`: fetch what a first sync fetches, eight at a time; keep nothing."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import requests

from tests.bench.mirror.measuring import measured

AT_ONCE = 8
LISTS: tuple[tuple[str, dict[str, Any], int], ...] = (
    ("warehouse_tables", {"limit": 500}, 1_000),
    ("data_modeling_jobs", {"limit": 500}, 20),
    ("activity_log", {"scope": "DataWarehouseSavedQuery"}, 10),
)
"""Name, parameters, and how many pages of what was before a first sync takes over."""
_local = threading.local()


def session(key: str) -> requests.Session:
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.trust_env = False
        _local.session.headers["Authorization"] = f"Bearer {key}"
    return _local.session


def pages(url: str, key: str, name: str, **params: Any) -> Iterator[dict[str, Any]]:
    """The pages of a list, following the query string of their links."""
    following: str | None = requests.Request("GET", f"{url}{name}/", params=params).prepare().url
    while following:
        page = session(key).get(following, timeout=30).json()
        yield page
        following = page["next"]


@measured()
def main(origin: str, key: str) -> None:
    url = f"{origin}/api/projects/1/"
    ids = [row["id"] for page in pages(url, key, "warehouse_saved_queries") for row in page["results"]]
    for name, params, most in LISTS:
        for _ in islice(pages(url, key, name, **params), most):
            continue
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sum(pool.map(lambda one: _size(key, f"{url}warehouse_saved_queries/{one}/"), ids))


def _size(key: str, url: str) -> int:
    return len(session(key).get(url, timeout=30).content)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

"""`python -m tests.bench.mirror.dlt_load URL KEY DATABASE FOLDER`: load it all with dlt, eight requests at a time."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

os.environ.update(EXTRACT__WORKERS="8", EXTRACT__MAX_PARALLEL_ITEMS="16", RUNTIME__LOG_LEVEL="CRITICAL")

import dlt
from dlt.sources.rest_api import rest_api_source

from tests.bench.mirror.measuring import measured


def source(origin: str, key: str):
    def paged(name: str, **params: object) -> dict:
        links = {"type": "json_link", "next_url_path": "next"}
        endpoint = {"path": f"{name}/", "params": params, "paginator": links, "data_selector": "results"}
        return {"name": name, "endpoint": endpoint, "write_disposition": "merge", "primary_key": "id"}

    detail = {
        "name": "views",
        "endpoint": {"path": "warehouse_saved_queries/{resources.warehouse_saved_queries.id}/"},
        "write_disposition": "merge",
        "primary_key": "id",
        "parallelized": True,
    }
    made = rest_api_source(
        {
            "client": {"base_url": f"{origin}/api/projects/1/", "auth": {"type": "bearer", "token": key}},
            "resources": [
                paged("warehouse_saved_queries"),
                detail,
                paged("warehouse_tables", limit=500),
                paged("data_modeling_jobs", limit=500),
                paged("activity_log", scope="DataWarehouseSavedQuery"),
            ],
        }
    )
    made.resources["activity_log"].add_limit(10)  # as much of what was before as the portal's first sync takes over
    made.resources["data_modeling_jobs"].add_limit(20)
    return made


def _with_password(url: str) -> str:
    """dlt insists on a password, also for a server that asks for none."""
    parts = urlsplit(url)
    if parts.password is not None:
        return url
    name, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{name}:none@{place}").geturl()


def main(origin: str, key: str, database: str, folder: str) -> None:
    if database.startswith("sqlite"):
        destination = dlt.destinations.sqlalchemy(database)
    else:
        destination = dlt.destinations.postgres(_with_password(database))
    pipeline = dlt.pipeline("bench", pipelines_dir=folder, destination=destination, dataset_name="bench")
    with measured():
        pipeline.run(source(origin, key))


if __name__ == "__main__":
    main(*sys.argv[1:])

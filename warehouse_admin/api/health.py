"""For probes: is the process alive, and can it do its work."""

from __future__ import annotations

from functools import lru_cache

from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from warehouse_admin.management import doctor


@require_safe
@never_cache
def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """503 until the database answers with every migration applied, and the broker answers. Needs no sync."""
    database = doctor.check_database().ok
    checks = {"database": database, "migrations": database and _migrated(), "broker": doctor.check_broker().ok}
    fine = all(checks.values())
    body = {
        "status": "ok" if fine else "unavailable",
        "checks": {k: "ok" if v else "failed" for k, v in checks.items()},
    }
    return JsonResponse(body, status=200 if fine else 503)


def _migrated() -> bool:
    try:
        _require_migrated()
    except (_NotYet, DatabaseError):
        return False
    return True


class _NotYet(Exception):
    pass


@lru_cache(maxsize=1)
def _require_migrated() -> None:
    """Remembers a yes for the life of the process: building the graph of migrations is dear, and none is undone."""
    if not doctor.check_migrations().ok:
        raise _NotYet

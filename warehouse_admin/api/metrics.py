"""The Prometheus page: what the libraries count, and how the portal itself is doing."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterator

from django.conf import settings
from django.db.models import Count, Max
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_prometheus.exports import ExportToDjangoView
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from warehouse_admin.accounts import budget, tokens
from warehouse_admin.accounts.models import Connection
from warehouse_admin.activity import selectors as activity
from warehouse_admin.changes.models import ChangeRequest
from warehouse_admin.mirror.models import SyncRun
from warehouse_admin.mutations.models import Mutation


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """For a scraper on this machine, or one with METRICS_TOKEN or an API token."""
    if not _may_read(request):
        return HttpResponseForbidden("Send `Authorization: Bearer` with METRICS_TOKEN or an API token.\n", "text/plain")
    counted = ExportToDjangoView(request)
    registry = CollectorRegistry()
    registry.register(Portal())
    return HttpResponse(counted.content + generate_latest(registry), content_type=counted["Content-Type"])


class Portal(Collector):
    """Gauges read from the database and the budget when they are asked for."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        connections = list(Connection.objects.filter(is_active=True))
        yield _sync_age(connections)
        refused = {one.slug: int(one.key_refused_at is not None) for one in connections}
        yield _by_label("portal_key_refused", "1 while PostHog refuses a connection's API key.", "connection", refused)
        yield _by_label("portal_open_changes", "Change requests that are not closed.", "state", _open_changes())
        waiting = Mutation.objects.filter(state=Mutation.State.UNCONFIRMED).count()
        yield GaugeMetricFamily("portal_unconfirmed_mutations", "Writes whose end nobody knows yet.", waiting)
        unreviewed = activity.unreviewed_count()
        yield GaugeMetricFamily("portal_unreviewed_activity", "Activity that waits for a person.", unreviewed)
        yield from _budget(connections)


def _sync_age(connections: list[Connection]) -> GaugeMetricFamily:
    good = SyncRun.objects.filter(state=SyncRun.State.SUCCEEDED).order_by().values_list("connection")
    ended = dict(good.annotate(Max("finished_at")))
    now = timezone.now()
    told = "Seconds since the end of the last good sync; absent before the first."
    ages = {one.slug: (now - ended[one.pk]).total_seconds() for one in connections if ended.get(one.pk)}
    return _by_label("portal_sync_age_seconds", told, "connection", ages)


def _open_changes() -> dict[str, int]:
    rows = ChangeRequest.objects.exclude(state__in=ChangeRequest.CLOSED).order_by()
    return dict(rows.values_list("state").annotate(Count("pk")))


def _budget(connections: list[Connection]) -> Iterator[GaugeMetricFamily]:
    left = {one.slug: budget.left(one) for one in connections}
    for position, window in enumerate(("minute", "hour")):
        known = {slug: both[position] for slug, both in left.items() if both[position] is not None}
        told = f"Requests to PostHog left in this {window}; absent where there is no limit."
        yield _by_label(f"portal_budget_left_{window}", told, "connection", known)


def _by_label(name: str, told: str, label: str, values: dict) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, told, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _may_read(request: HttpRequest) -> bool:
    header = request.headers.get("Authorization", "")
    if header:
        scheme, _, given = header.partition(" ")
        wanted = settings.METRICS_TOKEN
        if wanted and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), wanted.encode()):
            return True
        return tokens.authenticate(header) is not None
    # A proxy on this machine speaks for somebody else, and says so.
    return "X-Forwarded-For" not in request.headers and _is_loopback(request.META.get("REMOTE_ADDR", ""))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False

"""The portal's pages, and Django's admin beside them."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from portal.urls import urlpatterns as portal_urls
from tests.bench import admin

urlpatterns: list[URLPattern | URLResolver] = [
    path("schedules-admin/", admin.schedules.urls),
    path("admin/", admin.everything.urls),
    *portal_urls,
]

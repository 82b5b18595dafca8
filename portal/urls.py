"""Every URL of the portal, app by app."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import TemplateView

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/", include("allauth.urls")),
    path("", include("warehouse_admin.dashboard.urls")),
    path("", include("warehouse_admin.accounts.urls")),
    path("", include("warehouse_admin.mirror.urls")),
    path("", include("warehouse_admin.lineage.urls")),
    path("", include("warehouse_admin.lineage.lint.urls")),
    path("", include("warehouse_admin.catalog.urls")),
    path("", include("warehouse_admin.changes.urls")),
    path("", include("warehouse_admin.schedules.urls")),
    path("", include("warehouse_admin.activity.urls")),
    path("", include("warehouse_admin.interviews.urls")),
    path("", include("warehouse_admin.audit.urls")),
    path("", include("warehouse_admin.api.urls")),
]
if settings.DEBUG:
    from warehouse_admin.core.styleguide import samples

    page = TemplateView.as_view(template_name="styleguide.html", extra_context={"samples": samples})
    urlpatterns += [path("styleguide/", page)]

from __future__ import annotations

from django.urls import path

from warehouse_admin.catalog.views import many, one, trust

app_name = "catalog"
urlpatterns = [
    path("catalog/", many.describe_many, name="describe-many"),
    path("saved-queries/<uuid:posthog_id>/catalog/", one.describe_view, name="describe-view"),
    path("tables/<uuid:posthog_id>/catalog/", one.describe_table, name="describe-table"),
    path("saved-queries/<uuid:posthog_id>/trust/", trust.trust_view, name="trust-view"),
    path("tables/<uuid:posthog_id>/trust/", trust.trust_table, name="trust-table"),
]

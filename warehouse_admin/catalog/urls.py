from __future__ import annotations

from django.urls import path

from warehouse_admin.catalog import views

app_name = "catalog"
urlpatterns = [
    path("saved-queries/<uuid:posthog_id>/catalog/", views.describe_view, name="describe-view"),
    path("tables/<uuid:posthog_id>/catalog/", views.describe_table, name="describe-table"),
]

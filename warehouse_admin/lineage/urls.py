from __future__ import annotations

from django.urls import path

from warehouse_admin.lineage import views

app_name = "lineage"
urlpatterns = [path("saved-queries/<uuid:posthog_id>/lineage.csv", views.export, name="export")]

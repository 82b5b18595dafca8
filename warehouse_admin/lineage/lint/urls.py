from __future__ import annotations

from django.urls import path

from warehouse_admin.lineage.lint import views

app_name = "lint"
urlpatterns = [
    path("lint/", views.rule_list, name="rules"),
    path("lint/exemptions/<int:key>/revoke/", views.revoke, name="revoke"),
    path("lint/<slug:rule>/", views.rule, name="rule"),
    path("lint/<slug:rule>/level/", views.set_level, name="level"),
    path("lint/<slug:rule>/exempt/", views.exempt, name="exempt"),
    path("saved-queries/<uuid:posthog_id>/checks/", views.of_view, name="of-view"),
]

from __future__ import annotations

from django.urls import path

from warehouse_admin.mirror.views import saved_queries, syncs, tables

app_name = "mirror"
urlpatterns = [
    path("saved-queries/", saved_queries.view_list, name="view-list"),
    path("saved-queries/suggestions/", saved_queries.view_suggestions, name="view-suggestions"),
    path("saved-queries/<uuid:posthog_id>/", saved_queries.view_detail, name="view-detail"),
    path("saved-queries/<uuid:posthog_id>/runs/", saved_queries.view_runs, name="view-runs"),
    path("saved-queries/<uuid:posthog_id>/versions/", saved_queries.view_versions, name="view-versions"),
    path("saved-queries/<uuid:posthog_id>/diff/", saved_queries.view_diff, name="view-diff"),
    path("saved-queries/<uuid:posthog_id>/query.sql", saved_queries.view_text, name="view-text"),
    path(
        "saved-queries/<uuid:posthog_id>/versions/<int:number>.sql", saved_queries.view_text, name="view-version-text"
    ),
    path("saved-queries/<uuid:posthog_id>/refresh/", saved_queries.view_refresh, name="view-refresh"),
    path("saved-queries/<uuid:posthog_id>/compare-lineage/", saved_queries.view_compare, name="view-compare"),
    path("tables/", tables.table_list, name="table-list"),
    path("tables/<uuid:posthog_id>/", tables.table_detail, name="table-detail"),
    path("syncs/", syncs.sync_list, name="sync-list"),
    path("syncs/start/", syncs.sync_start, name="sync-start"),
    path("syncs/<uuid:sync_id>/", syncs.sync_detail, name="sync-detail"),
    path("syncs/<uuid:sync_id>/stop/", syncs.sync_stop, name="sync-stop"),
    path("syncs/<uuid:sync_id>/confirm/", syncs.sync_confirm, name="sync-confirm"),
    path("syncs/<uuid:sync_id>/dismiss/", syncs.sync_dismiss, name="sync-dismiss"),
]

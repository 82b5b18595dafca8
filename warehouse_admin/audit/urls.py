from __future__ import annotations

from django.urls import URLPattern, path

from warehouse_admin.audit import export_views, saved_views, views

app_name = "audit"
urlpatterns: list[URLPattern] = [
    path("audit/", views.entry_list, name="list"),
    path("audit/verify/", views.verify, name="verify"),
    path("audit/checkpoints/", views.checkpoint_list, name="checkpoints"),
    path("audit/checkpoints/download/", views.checkpoint_download, name="checkpoint-download"),
    path("audit/exports/", export_views.export_list, name="exports"),
    path("audit/exports/<uuid:export_id>/stop/", export_views.export_stop, name="export-stop"),
    path("audit/exports/<uuid:export_id>/file/", export_views.export_file, name="export-file"),
    path("audit/filters/", saved_views.filter_list, name="filters"),
    path("audit/filters/<int:pk>/", saved_views.filter_change, name="filter-change"),
    path("audit/filters/<int:pk>/remove/", saved_views.filter_remove, name="filter-remove"),
    path("audit/<int:sequence>/", views.entry_detail, name="detail"),
]

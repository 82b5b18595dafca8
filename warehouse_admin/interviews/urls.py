from __future__ import annotations

from django.urls import path

from warehouse_admin.interviews.views import pages, uploads, writes

app_name = "interviews"
ONE = "interviews/<uuid:posthog_id>"

urlpatterns = [
    path("interviews/", pages.interview_list, name="list"),
    path("interviews/upload/", uploads.upload, name="upload"),
    path("interviews/writes/<uuid:write_id>/", writes.write_detail, name="write"),
    path(f"{ONE}/", pages.interview_detail, name="detail"),
    path(f"{ONE}/edit/", writes.edit, name="edit"),
    path(f"{ONE}/delete/", writes.delete, name="delete"),
]

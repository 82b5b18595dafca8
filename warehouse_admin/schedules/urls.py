from __future__ import annotations

from django.urls import path

from warehouse_admin.schedules import run_pages, views

app_name = "schedules"
urlpatterns = [
    path("schedules/", views.schedule_list, name="list"),
    path("schedules/runs/", run_pages.runs, name="runs"),
    path("schedules/resume/", views.resume, name="resume"),
    path("schedules/resumes/", views.resume_list, name="resume-list"),
    path("schedules/resumes/<uuid:resume_id>/", views.resume_detail, name="resume-detail"),
    path("schedules/resumes/<uuid:resume_id>/stop/", views.resume_stop, name="resume-stop"),
    path("schedules/resumes/<uuid:resume_id>/report.csv", views.resume_report, name="resume-report"),
    path("saved-queries/<uuid:posthog_id>/run/", views.run, name="run"),
    path("saved-queries/<uuid:posthog_id>/cancel/", views.cancel, name="cancel"),
]

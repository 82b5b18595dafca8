from __future__ import annotations

from django.urls import path

from warehouse_admin.schedules import run_pages
from warehouse_admin.schedules.views import acts, campaigns, listing, pauses

app_name = "schedules"
CAMPAIGN = "schedules/resumes/<uuid:resume_id>"
VIEW = "saved-queries/<uuid:posthog_id>"

urlpatterns = [
    path("schedules/", listing.schedule_list, name="list"),
    path("schedules/pauses/", pauses.pause_list, name="pauses"),
    path("schedules/pauses/<int:hold_id>/wake/", pauses.wake, name="pause-wake"),
    path("schedules/pauses/<int:hold_id>/date/", pauses.change_date, name="pause-date"),
    path("schedules/runs/", run_pages.runs, name="runs"),
    *(
        path(f"schedules/{action}/", campaigns.start, {"action": action}, name=name)
        for action, name in (("resume", "resume"), ("pause", "pause"), ("run", "bulk-run"), ("cadence", "cadence"))
    ),
    path("schedules/resumes/", campaigns.resume_list, name="resume-list"),
    path(f"{CAMPAIGN}/", campaigns.resume_detail, name="resume-detail"),
    *(
        path(f"{CAMPAIGN}/{verb}/", campaigns.steer, {"verb": verb}, name=f"resume-{verb}")
        for verb in ("stop", "pause", "continue", "confirm")
    ),
    path(f"{CAMPAIGN}/report.csv", campaigns.resume_report, name="resume-report"),
    path(f"{VIEW}/run/", acts.run, name="run"),
    path(f"{VIEW}/cancel/", acts.cancel, name="cancel"),
    path(f"{VIEW}/pause/", acts.pause, name="view-pause"),
    path(f"{VIEW}/resume/", acts.resume, name="view-resume"),
]

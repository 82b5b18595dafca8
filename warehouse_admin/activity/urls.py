from __future__ import annotations

from django.urls import path

from warehouse_admin.activity.views import deeds, inbox, moments, searches

app_name = "activity"
urlpatterns = [
    path("activity/", inbox.inbox, name="list"),
    path("activity/review/", deeds.review_many, name="review-many"),
    path("activity/moments/", moments.difference, name="moments"),
    path("activity/moments/stood/", moments.stood, name="stood"),
    path("activity/undo/", deeds.undo, name="undo"),
    path("activity/searches/", searches.save, name="search-save"),
    path("activity/searches/<int:pk>/remove/", searches.remove, name="search-remove"),
    path("activity/<int:pk>/", inbox.detail, name="detail"),
    path("activity/<int:pk>/impact/", inbox.impact, name="impact"),
    path("activity/<int:pk>/review/", deeds.review, name="review"),
    path("activity/<int:pk>/adopt/", deeds.adopt, name="adopt"),
    path("activity/<int:pk>/revert/", deeds.revert, name="revert"),
    path("activity/<int:pk>/ask/", deeds.ask, name="ask"),
    path("activity/<int:pk>/answer/", deeds.answer, name="answer"),
    path("activity/<int:pk>/assign/", deeds.assign, name="assign"),
    path("activity/<int:pk>/snooze/", deeds.snooze, name="snooze"),
    path("activity/<int:pk>/reopen/", deeds.reopen, name="reopen"),
    path("saved-queries/<uuid:posthog_id>/activity/", inbox.for_view, name="for-view"),
]

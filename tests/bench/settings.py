"""The settings of the suite with Django's admin beside the portal, which has none: something to compare with."""

from __future__ import annotations

from portal.settings_test import *  # noqa: F403
from portal.settings_test import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.admin.apps.SimpleAdminConfig"]
ROOT_URLCONF = "tests.bench.urls"

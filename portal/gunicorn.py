"""How gunicorn serves the portal: `gunicorn -c python:portal.gunicorn portal.wsgi`."""

from __future__ import annotations

import os

from django.conf import settings

from portal import environment as read

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

bind = f"[{settings.BIND}]:{settings.PORT}" if ":" in settings.BIND else f"{settings.BIND}:{settings.PORT}"
worker_class = "gthread"
workers = read.number("WEB_CONCURRENCY", 1, least=1, most=64)
threads = 8
loglevel = "warning"
logconfig_dict = settings.LOGGING
graceful_timeout = 8
timeout = 120
control_socket_disable = True

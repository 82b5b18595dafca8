"""PostHog's REST API in plain Python: no Django, no Celery, no state. See README.md."""

VERSION = "0.1.0"

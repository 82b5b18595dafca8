"""What only tests change. The services come from the environment, so that one suite runs on either pair of them."""

from __future__ import annotations

import base64
import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

_FOLDER = Path(os.environ.get("PORTAL_TEST_DIR") or tempfile.mkdtemp(prefix="portal-test-"))
os.environ["PORTAL_TEST_DIR"] = str(_FOLDER)
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")

os.environ["VAR_DIR"] = str(_FOLDER / _WORKER)
os.environ["SECRET_KEY"] = "only-for-tests-" + "x" * 50
os.environ["FIELD_ENCRYPTION_KEYS"] = base64.urlsafe_b64encode(b"only-for-tests-only-for-tests-00").decode()
for _name in ("POSTHOG_HOST", "POSTHOG_PROJECT_ID", "POSTHOG_API_KEY", "DEBUG", "ALLOWED_HOSTS", "BIND", "HTTPS_ONLY"):
    os.environ.pop(_name, None)

from portal.settings import *  # noqa: E402,F403
from portal.settings import CACHES, DATABASES, EMBEDDED_BROKER, LOGGING, REDIS_URL  # noqa: E402

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
WHITENOISE_AUTOREFRESH = True  # each client has a handler of its own, which would list all static files first
CACHES["default"]["KEY_PREFIX"] = f"test-{os.getpid()}"
if not EMBEDDED_BROKER:
    # Every test empties its cache, which flushes a whole numbered database of Redis: each process has its own.
    _parts = urlsplit(REDIS_URL)
    _number = int(_parts.path.strip("/") or 0) + 1 + int(_WORKER.removeprefix("gw") if _WORKER != "main" else 0)
    REDIS_URL = _parts._replace(path=f"/{_number % 16}").geturl()
    CACHES["default"]["LOCATION"] = REDIS_URL
ACCOUNT_RATE_LIMITS = {}
LOGGING["root"]["level"] = "ERROR"
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
POSTHOG_BUDGET_PER_MINUTE = POSTHOG_BUDGET_PER_HOUR = 0
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: live servers and workers in threads see the same database, locked as in production.
    DATABASES["default"]["TEST"] = {"NAME": str(_FOLDER / _WORKER / "test.sqlite3")}
else:
    DATABASES["default"]["OPTIONS"].pop("pool", None)
    DATABASES["default"]["TEST"] = {"NAME": f"test_portal_{os.environ.get('PORTAL_TEST_DB', os.getppid())}"}

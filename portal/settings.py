"""The one settings file. What the environment may say is listed in README.md."""

from __future__ import annotations

import hashlib
import logging
import sys
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from portal import environment as read
from portal.crashes import start_crash_reports
from warehouse_admin.core.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(read.text("VAR_DIR", str(BASE_DIR / "var"))).expanduser().absolute()
VERSION = "0.1.0"

# --- Where the portal listens ------------------------------------------------------------------------------------
DEBUG = read.flag("DEBUG", False)
BIND = read.address("BIND", "127.0.0.1")
PORT = read.number("PORT", 8000, least=1, most=65535)
ALLOWED_HOSTS = read.hosts("ALLOWED_HOSTS", ["127.0.0.1", "localhost"])
HTTPS_ONLY = read.flag("HTTPS_ONLY", not all(read.is_loopback(host) for host in ALLOWED_HOSTS))
METRICS_TOKEN = read.text("METRICS_TOKEN")

# --- PostHog -----------------------------------------------------------------------------------------------------
POSTHOG_HOST = read.origin("POSTHOG_HOST")
POSTHOG_PROJECT_ID = read.text("POSTHOG_PROJECT_ID")
POSTHOG_API_KEY = read.text("POSTHOG_API_KEY")
POSTHOG_BUDGET_PER_MINUTE = read.number("POSTHOG_BUDGET_PER_MINUTE", 450)
POSTHOG_BUDGET_PER_HOUR = read.number("POSTHOG_BUDGET_PER_HOUR", 4500)
POSTHOG_CA_BUNDLE = read.existing_file("POSTHOG_CA_BUNDLE")
POSTHOG_PROXY = read.text("HTTPS_PROXY") or read.text("https_proxy")
SANDBOX_MODE = not POSTHOG_HOST
SANDBOX_PASSWORD = "warehouse-demo"  # noqa: S105  demo people only, and only on loopback
if POSTHOG_HOST and not (POSTHOG_PROJECT_ID and POSTHOG_API_KEY):
    raise ImproperlyConfigured(
        "POSTHOG_HOST is set, so POSTHOG_PROJECT_ID and POSTHOG_API_KEY (or POSTHOG_API_KEY_FILE) must be set too; "
        "unset POSTHOG_HOST to try the portal on its sandbox."
    )
if POSTHOG_HOST and not POSTHOG_PROJECT_ID.isdecimal():
    raise ImproperlyConfigured(
        "POSTHOG_PROJECT_ID must be the project's number, as the address bar of PostHog shows it."
    )
if SANDBOX_MODE and not read.is_loopback(BIND):
    raise ImproperlyConfigured(
        f"Sandbox mode has well-known passwords and only listens on this machine, not on {BIND}: "
        "set POSTHOG_HOST, POSTHOG_PROJECT_ID and POSTHOG_API_KEY, or BIND=127.0.0.1."
    )

# --- Secrets -----------------------------------------------------------------------------------------------------
_MAY_GENERATE = DEBUG or SANDBOX_MODE
SECRET_KEY = read.secret(
    "SECRET_KEY",
    path=VAR_DIR / "secret_key",
    may_generate=_MAY_GENERATE,
    make=read.make_secret_key,
    what_for="a long random text that signs sessions",
)
FIELD_ENCRYPTION_KEYS = read.fernet_keys(
    read.secret(
        "FIELD_ENCRYPTION_KEYS",
        path=VAR_DIR / "field_encryption_keys",
        may_generate=_MAY_GENERATE,
        make=read.make_fernet_key,
        what_for="comma-separated Fernet keys, newest first, that encrypt stored API keys",
    )
)
# Signs the audit trail's checkpoints. Unset: made on first need and kept encrypted in the database.
AUDIT_SIGNING_KEY = read.ed25519_seed("AUDIT_SIGNING_KEY")

# --- Applications ------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "django_htmx",
    "django_ace",
    "django_prometheus",
    "django_structlog",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "warehouse_admin",
    "warehouse_admin.audit",
    "warehouse_admin.accounts",
    "warehouse_admin.mirror",
    "warehouse_admin.mutations",
    "warehouse_admin.lineage",
    "warehouse_admin.catalog",
    "warehouse_admin.changes",
    "warehouse_admin.schedules",
    "warehouse_admin.activity",
    "warehouse_admin.interviews",
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "warehouse_admin.core.middleware.RequestContextMiddleware",
    "warehouse_admin.core.middleware.RequestLogMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "warehouse_admin.core.middleware.PageOrFragmentMiddleware",
    "warehouse_admin.core.middleware.UnseenCharactersMiddleware",
    "warehouse_admin.accounts.middleware.RoleRequiredMiddleware",
    "warehouse_admin.accounts.middleware.UserErrorMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "warehouse_admin.dashboard.context.chrome",
            ],
            "builtins": ["warehouse_admin.core.templatetags.ui", "warehouse_admin.mirror.templatetags.people"],
            "libraries": {"sql": "warehouse_admin.core.templatetags.sql"},
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = True

# --- Database ----------------------------------------------------------------------------------------------------
# The sandbox has a file of its own: its people with their well-known passwords must not be in a real portal.
_DATABASE_FILE = VAR_DIR / ("sandbox.sqlite3" if SANDBOX_MODE else "portal.sqlite3")
DATABASES = {"default": read.database("DATABASE_URL", default_path=_DATABASE_FILE)}
_DATABASE = DATABASES["default"]
if _DATABASE["ENGINE"].endswith("sqlite3"):
    VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    _DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;",
    }
else:
    _DATABASE["CONN_MAX_AGE"] = 0
    # The pool hands out no connection that a restart of the server has ended.
    _DATABASE["CONN_HEALTH_CHECKS"] = True
    _DATABASE["OPTIONS"] = {**_DATABASE.get("OPTIONS", {}), "pool": {"min_size": 1, "max_size": 12, "timeout": 20}}

# --- Broker, cache, rate budget ----------------------------------------------------------------------------------
# A unix socket path has to stay under 108 bytes, so the embedded broker's is in the temporary folder, not under var/.
EMBEDDED_BROKER_DIR = (
    Path(tempfile.gettempdir()) / f"warehouse-admin-{hashlib.sha256(str(VAR_DIR.resolve()).encode()).hexdigest()[:16]}"
)
EMBEDDED_BROKER_SOCKET = EMBEDDED_BROKER_DIR / "broker.sock"
CELERY_BROKER_URL = read.service_url(
    "CELERY_BROKER_URL", ("redis", "rediss"), "the broker is Redis or Valkey, for example redis://127.0.0.1:6379/0."
)
EMBEDDED_BROKER = not CELERY_BROKER_URL
if EMBEDDED_BROKER:
    CELERY_BROKER_URL = f"redis+socket://{EMBEDDED_BROKER_SOCKET}?virtual_host=0"
REDIS_URL = read.service_url(
    "REDIS_URL", ("redis", "rediss", "unix"), "the cache and the rate budget, for example redis://127.0.0.1:6379/1."
)
if not REDIS_URL:
    REDIS_URL = f"unix://{EMBEDDED_BROKER_SOCKET}?db=1" if EMBEDDED_BROKER else CELERY_BROKER_URL
REDIS_KEY_PREFIX = read.text("REDIS_KEY_PREFIX")  # keeps portals apart that share one server
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": f"{REDIS_KEY_PREFIX}portal",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 5},
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# --- Celery ------------------------------------------------------------------------------------------------------
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "unacked_mutex_expire": 10,
    "global_keyprefix": REDIS_KEY_PREFIX,
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- People ------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "warehouse_admin.accounts.backends.PeopleBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "warehouse_admin.accounts.passwords.NotTheDemoPassword"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "warehouse_admin.accounts.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "warehouse_admin.accounts.adapters.SocialAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key"}
MFA_ADAPTER = "warehouse_admin.accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = False
MFA_TOTP_ISSUER = "Warehouse Admin"
OIDC_ISSUER = read.web_url("OIDC_ISSUER")
OIDC_CLIENT_ID = read.text("OIDC_CLIENT_ID")
OIDC_CLIENT_SECRET = read.text("OIDC_CLIENT_SECRET")
OIDC_NAME = read.text("OIDC_NAME", "single sign-on")
if OIDC_ISSUER and not (OIDC_CLIENT_ID and OIDC_CLIENT_SECRET):
    raise ImproperlyConfigured("OIDC_ISSUER is set, so OIDC_CLIENT_ID and OIDC_CLIENT_SECRET must be set too.")
if OIDC_CLIENT_ID and not OIDC_ISSUER:
    raise ImproperlyConfigured(
        "OIDC_CLIENT_ID is set, so OIDC_ISSUER must be set too, to the provider's https address."
    )
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "OAUTH_PKCE_ENABLED": True,
        "APPS": [
            {
                "provider_id": "oidc",
                "name": OIDC_NAME,
                "client_id": OIDC_CLIENT_ID,
                "secret": OIDC_CLIENT_SECRET,
                "settings": {"server_url": OIDC_ISSUER},
            }
        ]
        if OIDC_ISSUER
        else [],
    }
}
vars().update(read.mail("EMAIL_URL"))

# --- Web security ------------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS_ONLY
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "portal_session"
CSRF_COOKIE_NAME = "portal_csrf"
DEFAULT_EXCEPTION_REPORTER_FILTER = "warehouse_admin.core.debugging.HidesSecrets"
SECURE_SSL_REDIRECT = HTTPS_ONLY
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^api/v1/health/", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS_ONLY else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS_ONLY
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = read.items("CSRF_TRUSTED_ORIGINS", [])
CSRF_FAILURE_VIEW = "warehouse_admin.core.views.csrf_failure"
# The largest thing a person posts is a query; 2 MB of it, percent-encoded, stays under this.
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": [
            "'self'",
            # Chromium applies this to the redirects after a form too, so the sign-in provider must be named.
            *([read.origin_of(OIDC_ISSUER)] if OIDC_ISSUER else []),
        ],
        "manifest-src": ["'self'"],
    }
}

# --- Static files ------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
_COLLECTED_IN = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Embedded: files are served from where they are installed; `collectstatic` makes hashed, compressed ones for a farm.
_COLLECTED = (_COLLECTED_IN / "staticfiles.json").exists()
# WhiteNoise warns of a root that does not exist, so it is only named when it does, or is about to.
STATIC_ROOT = _COLLECTED_IN if _COLLECTED or "collectstatic" in sys.argv else None
WHITENOISE_USE_FINDERS = not _COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if STATIC_ROOT
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
MEDIA_ROOT = VAR_DIR / "uploads"
INTERVIEW_AUDIO_MAX_BYTES = read.number("INTERVIEW_AUDIO_MAX_MB", 200, least=1, most=2000) * 1024 * 1024

# --- Language and time -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

# --- REST API ----------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "warehouse_admin.api.authentication.TokenAuthentication",
        "warehouse_admin.api.authentication.BrowserSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["warehouse_admin.api.permissions.HasRole"],
    "DEFAULT_PAGINATION_CLASS": "warehouse_admin.core.rest.pagination.Pagination",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "warehouse_admin.api.formats.AlwaysJson",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["warehouse_admin.api.formats.BoundedJsonParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "warehouse_admin.api.errors.problem_response",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Warehouse Admin API",
    "DESCRIPTION": "Mirror, change requests, schedules, activity and audit of a governed PostHog warehouse.",
    "VERSION": VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "warehouse_admin.api.schema.add_problems",
        "warehouse_admin.api.schema.describe_coverage",
    ],
    "ENUM_NAME_OVERRIDES": {
        "CampaignAction": "warehouse_admin.schedules.models.Campaign.Action",
        "ChangeAction": "warehouse_admin.changes.models.ChangeRequest.Action",
        "ChangeState": "warehouse_admin.changes.models.ChangeRequest.State",
        "VoteVerdict": "warehouse_admin.changes.models.Vote.Verdict",
        "ActivityVerdict": "warehouse_admin.activity.models.ActivityEntry.Verdict",
        "ActivityReview": "warehouse_admin.activity.models.REVIEWS",
        "SyncKind": "warehouse_admin.mirror.models.SyncRun.Kind",
        "MutationKind": "warehouse_admin.mutations.models.Mutation.Kind",
        "MutationState": "warehouse_admin.mutations.models.Mutation.State",
        "RunState": "warehouse_admin.mirror.models.SyncRun.State",
    },
}

# --- Logs --------------------------------------------------------------------------------------------------------
LOG_LEVEL = read.one_of("LOG_LEVEL", "info", ("debug", "info", "warning", "error")).upper()
LOG_FORMAT = read.one_of("LOG_FORMAT", "text", ("text", "json"))
LOGGING = logging_config(level=LOG_LEVEL, format_=LOG_FORMAT)
LOGGING_CONFIG = "logging.config.dictConfig"
DJANGO_STRUCTLOG_CELERY_ENABLED = True
# The middleware before it has put an id of ours there, the one that the audit trail carries. No other header is taken.
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True
DJANGO_STRUCTLOG_TRUST_UPSTREAM_CORRELATION_ID = False
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = DJANGO_STRUCTLOG_CELERY_TASK_START_LOG_LEVEL = logging.DEBUG
DJANGO_STRUCTLOG_CELERY_DEFAULT_LOG_LEVEL = logging.DEBUG

# --- Crashes -----------------------------------------------------------------------------------------------------
SENTRY_DSN = read.web_url_with_key("SENTRY_DSN")
if SENTRY_DSN:
    start_crash_reports(SENTRY_DSN, version=VERSION)

"""What the environment may say, and what is said when it says something else."""

from __future__ import annotations

import os
import re
import runpy
import stat
import sys
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from portal import environment
from tests.running import environment_of, manage
from warehouse_admin.core.logs import logging_config

Load = Callable[..., dict[str, Any]]
KEY = Fernet.generate_key().decode()
REAL = {
    "POSTHOG_HOST": "https://eu.posthog.com",
    "POSTHOG_PROJECT_ID": "7",
    "POSTHOG_API_KEY": "phx_example",
    "SECRET_KEY": "s" * 60,
    "FIELD_ENCRYPTION_KEYS": KEY,
}


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Read the settings anew under an environment that holds nothing but what is given."""

    def read(**variables: str) -> dict[str, Any]:
        for name in list(os.environ):
            if name not in ("PATH", "HOME", "TMPDIR", "PYTEST_CURRENT_TEST"):
                monkeypatch.delenv(name)
        monkeypatch.setenv("VAR_DIR", str(tmp_path / "var"))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        try:
            return runpy.run_path(str(settings.BASE_DIR / "portal" / "settings.py"))
        finally:
            logging_config(level=settings.LOG_LEVEL, format_=settings.LOG_FORMAT)  # it configures structlog globally

    return read


BAD = [
    ({"PORT": "abc"}, "PORT must be a whole number from 1 to 65535"),
    ({"PORT": "0"}, "PORT must be a whole number from 1 to 65535"),
    ({"PORT": "70000"}, "PORT must be a whole number from 1 to 65535"),
    ({"PORT_FILE": "/nowhere/port"}, "PORT_FILE must name a file that can be read"),
    ({"SECRET_KEY": "a", "SECRET_KEY_FILE": "/dev/null"}, "Set either SECRET_KEY or SECRET_KEY_FILE, not both"),
    ({"BIND": "0.0.0.0"}, "set POSTHOG_HOST, POSTHOG_PROJECT_ID and POSTHOG_API_KEY, or BIND=127.0.0.1"),
    ({"BIND": "127.0.0.1:80"}, "BIND must be an address of this machine without a port"),
    ({"ALLOWED_HOSTS": "https://portal.example.com"}, "ALLOWED_HOSTS must be host names without scheme"),
    ({"DEBUG": "maybe"}, "DEBUG must be one of on"),
    ({"LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of debug, info, warning, error"),
    ({"LOG_FORMAT": "xml"}, "LOG_FORMAT must be one of text, json"),
    ({"DATABASE_URL": "mysql://u:pass-word@h/d"}, "DATABASE_URL must start with postgres://"),
    ({"DATABASE_URL": "sqlite://:memory:"}, "DATABASE_URL"),
    ({"DATABASE_URL": "postgres://u:pass-word@h:5432/"}, "DATABASE_URL must name a database"),
    ({"DATABASE_URL": "postgres://u:pass-word@h:port/d"}, "DATABASE_URL is not a URL"),
    ({"DATABASE_URL": "postgres://u:pass-word/x@h:5432/d"}, "DATABASE_URL is not a URL"),
    ({"CELERY_BROKER_URL": "amqp://u:pass-word@h"}, "CELERY_BROKER_URL must start with redis://"),
    ({"REDIS_URL": "h:6379"}, "REDIS_URL must start with redis://"),
    ({"POSTHOG_HOST": "eu.posthog.com"}, "POSTHOG_HOST must include its scheme and host"),
    ({"POSTHOG_HOST": "http://eu.posthog.com"}, "POSTHOG_HOST must use https"),
    ({"POSTHOG_HOST": "https://u:pass-word@eu.posthog.com"}, "POSTHOG_HOST must be a URL without sign-in"),
    ({"POSTHOG_HOST": "https://eu.posthog.com/project/7"}, "POSTHOG_HOST must be a scheme and a host only"),
    ({"POSTHOG_HOST": "https://eu.posthog.com"}, "POSTHOG_PROJECT_ID and POSTHOG_API_KEY"),
    ({**REAL, "POSTHOG_PROJECT_ID": "seven"}, "POSTHOG_PROJECT_ID must be the project's number"),
    ({**REAL, "SECRET_KEY": ""}, "Set SECRET_KEY (or SECRET_KEY_FILE)"),
    ({**REAL, "FIELD_ENCRYPTION_KEYS": ""}, "Set FIELD_ENCRYPTION_KEYS (or FIELD_ENCRYPTION_KEYS_FILE)"),
    ({"FIELD_ENCRYPTION_KEYS": f"{KEY},pass-word"}, "FIELD_ENCRYPTION_KEYS: key 2 is not a Fernet key"),
    ({"AUDIT_SIGNING_KEY": "pass-word"}, "AUDIT_SIGNING_KEY is not an Ed25519 private key"),
    ({"FIELD_ENCRYPTION_KEYS": ","}, "FIELD_ENCRYPTION_KEYS: key 1 is not a Fernet key"),
    ({"POSTHOG_BUDGET_PER_MINUTE": "-1"}, "POSTHOG_BUDGET_PER_MINUTE must be a whole number"),
    ({"POSTHOG_BUDGET_PER_HOUR": "1e3"}, "POSTHOG_BUDGET_PER_HOUR must be a whole number"),
    ({"POSTHOG_CA_BUNDLE": "/nowhere/ca.pem"}, "POSTHOG_CA_BUNDLE must be the path of a file"),
    ({"EMAIL_URL": "mail.example.com"}, "EMAIL_URL must start with smtp://"),
    ({"EMAIL_URL": "smtp://:25"}, "EMAIL_URL must name a mail server"),
    ({"OIDC_ISSUER": "accounts.example.com"}, "OIDC_ISSUER must include its scheme"),
    ({"OIDC_ISSUER": "https://accounts.example.com"}, "OIDC_CLIENT_ID and OIDC_CLIENT_SECRET must be set too"),
    ({"OIDC_CLIENT_ID": "portal"}, "OIDC_ISSUER must be set too"),
    ({"SENTRY_DSN": "sentry.example.com"}, "SENTRY_DSN must be of the form https://key@host/number"),
    ({"HTTPS_ONLY": "2"}, "HTTPS_ONLY must be one of on"),
]


@pytest.mark.parametrize(("variables", "told"), BAD, ids=[f"{list(case)[-1]}-{at}" for at, (case, _) in enumerate(BAD)])
def test_a_bad_value_is_refused_with_a_sentence_that_says_what_to_set(
    load: Load, variables: dict[str, str], told: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=re.escape(told)) as caught:
        load(**variables)
    assert "pass-word" not in str(caught.value)


GOOD = [
    ("SECRET_KEY", "$not-a-reference", "SECRET_KEY", "$not-a-reference"),
    ("FIELD_ENCRYPTION_KEYS", KEY, "FIELD_ENCRYPTION_KEYS", [KEY]),
    ("AUDIT_SIGNING_KEY", "A" * 43 + "=", "AUDIT_SIGNING_KEY", "A" * 43 + "="),
    ("CELERY_BROKER_URL", "redis://127.0.0.1:6379/7", "CELERY_BROKER_URL", "redis://127.0.0.1:6379/7"),
    ("CELERY_BROKER_URL", "redis://127.0.0.1:6379/7", "REDIS_URL", "redis://127.0.0.1:6379/7"),
    ("REDIS_URL", "redis://127.0.0.1:6379/8", "REDIS_URL", "redis://127.0.0.1:6379/8"),
    ("POSTHOG_BUDGET_PER_MINUTE", "0", "POSTHOG_BUDGET_PER_MINUTE", 0),
    ("POSTHOG_BUDGET_PER_HOUR", "12", "POSTHOG_BUDGET_PER_HOUR", 12),
    ("POSTHOG_CA_BUNDLE", __file__, "POSTHOG_CA_BUNDLE", __file__),
    ("HTTPS_PROXY", "http://proxy.example.com:3128", "POSTHOG_PROXY", "http://proxy.example.com:3128"),
    ("ALLOWED_HOSTS", "a.example.com, .example.org", "ALLOWED_HOSTS", ["a.example.com", ".example.org"]),
    ("BIND", "[::1]", "BIND", "::1"),
    ("PORT", "9000", "PORT", 9000),
    ("DEBUG", "yes", "DEBUG", True),
    ("LOG_LEVEL", "Debug", "LOG_LEVEL", "DEBUG"),
    ("LOG_FORMAT", "json", "LOG_FORMAT", "json"),
    ("EMAIL_URL", "smtp+tls://me:s%40fe@mail.example.com:587", "EMAIL_HOST_PASSWORD", "s@fe"),
    ("METRICS_TOKEN", "a-token", "METRICS_TOKEN", "a-token"),
]


@pytest.mark.parametrize(("name", "value", "setting", "expected"), GOOD, ids=[f"{case[0]}-{case[2]}" for case in GOOD])
def test_a_variable_is_read_from_the_environment_and_from_a_file(
    load: Load, tmp_path: Path, name: str, value: str, setting: str, expected: object
) -> None:
    file = tmp_path / "value"
    file.write_text(f"{value}\n")
    assert load(**{name: value})[setting] == expected
    assert load(**{f"{name}_FILE": str(file), name: ""})[setting] == expected


def test_postgres_is_read_from_a_file_with_its_options(load: Load, tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgres://me:p%40ss@db.example.com:5433/portal?sslmode=require\n")
    database = load(DATABASE_URL_FILE=str(file))["DATABASES"]["default"]
    assert (database["NAME"], database["PASSWORD"], database["PORT"]) == ("portal", "p@ss", 5433)
    assert database["OPTIONS"]["sslmode"] == "require"


def test_posthog_from_files_leaves_the_sandbox(load: Load, tmp_path: Path) -> None:
    files = {}
    for name, value in REAL.items():
        (tmp_path / name).write_text(value)
        files[f"{name}_FILE"] = str(tmp_path / name)
    found = load(**files)
    assert not found["SANDBOX_MODE"]
    assert {name: found[name] for name in REAL if name != "FIELD_ENCRYPTION_KEYS"} == {
        name: value for name, value in REAL.items() if name != "FIELD_ENCRYPTION_KEYS"
    }


def test_nothing_set_gives_the_embedded_sandbox_on_this_machine(load: Load, tmp_path: Path) -> None:
    found = load(PORT="", DATABASE_URL=" ", ALLOWED_HOSTS="")
    assert found["SANDBOX_MODE"] and found["EMBEDDED_BROKER"] and not found["DEBUG"] and not found["HTTPS_ONLY"]
    assert (found["BIND"], found["PORT"], found["ALLOWED_HOSTS"][0]) == ("127.0.0.1", 8000, "127.0.0.1")
    assert (found["POSTHOG_BUDGET_PER_MINUTE"], found["POSTHOG_BUDGET_PER_HOUR"]) == (450, 4500)
    assert found["DATABASES"]["default"]["NAME"].startswith(str(tmp_path / "var"))
    assert found["EMAIL_BACKEND"].endswith("dummy.EmailBackend"), "mail may hold secrets, so it is not printed"


def test_the_sandbox_and_a_real_portal_never_share_a_database_file(load: Load) -> None:
    assert load()["DATABASES"]["default"]["NAME"] != load(**REAL)["DATABASES"]["default"]["NAME"]


def test_a_host_that_others_reach_is_served_over_https_only(load: Load) -> None:
    public = load(**REAL, ALLOWED_HOSTS="portal.example.com")
    assert public["HTTPS_ONLY"] and public["SESSION_COOKIE_SECURE"] and public["SECURE_SSL_REDIRECT"]
    assert not load(**REAL, ALLOWED_HOSTS="portal.example.com", HTTPS_ONLY="off")["HTTPS_ONLY"]


def test_forms_may_lead_to_the_sign_in_provider_and_nowhere_else(load: Load) -> None:
    found = load(
        OIDC_ISSUER="https://id.example.com:8443/realms/data/", OIDC_CLIENT_ID="portal", OIDC_CLIENT_SECRET="s"
    )
    actions = found["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["form-action"]
    assert actions == ["'self'", "https://id.example.com:8443"]
    app = found["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]["APPS"][0]
    assert app["settings"]["server_url"] == "https://id.example.com:8443/realms/data"


def test_generated_secrets_are_kept_and_private(load: Load, tmp_path: Path) -> None:
    first, second = load(), load()
    assert first["SECRET_KEY"] == second["SECRET_KEY"]
    assert first["FIELD_ENCRYPTION_KEYS"] == second["FIELD_ENCRYPTION_KEYS"]
    for name in ("secret_key", "field_encryption_keys"):
        assert stat.S_IMODE((tmp_path / "var" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700


def test_processes_that_start_together_get_one_secret(tmp_path: Path) -> None:
    path = tmp_path / "var" / "secret_key"
    with ThreadPoolExecutor(16) as pool:
        values = set(pool.map(lambda _: environment.generated(path, environment.make_secret_key), range(64)))
    assert len(values) == 1
    assert os.listdir(path.parent) == ["secret_key"]


def test_a_folder_that_cannot_be_written_is_said(load: Load, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where the folder should be")
    with pytest.raises(ImproperlyConfigured, match="set VAR_DIR to a folder of yours"):
        load()


def test_crash_reports_need_their_client(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    with pytest.raises(ImproperlyConfigured, match="pip install sentry-sdk"):
        load(SENTRY_DSN="https://key@sentry.example.com/1")


def test_crash_reports_leave_out_what_may_hold_secrets(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, Any]] = []
    client = types.ModuleType("sentry_sdk")
    client.init = lambda **options: started.append(options)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentry_sdk", client)
    load(SENTRY_DSN="https://key@sentry.example.com/1")
    assert started[0]["dsn"] == "https://key@sentry.example.com/1"
    assert started[0]["send_default_pii"] is False and started[0]["include_local_variables"] is False


def test_check_stops_with_one_sentence(tmp_path: Path) -> None:
    done = manage(environment_of(tmp_path, PORT="abc"), "check")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "The configuration is not right: PORT must be a whole number from 1 to 65535, not 'abc'."
    )


def test_the_deploy_check_is_clean_for_a_real_project(tmp_path: Path) -> None:
    real = REAL | {"SECRET_KEY": environment.make_secret_key(), "ALLOWED_HOSTS": "portal.example.com"}
    done = manage(environment_of(tmp_path, **real), "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr

"""Crash reports to Sentry, for those who installed its client and set SENTRY_DSN."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured


def start_crash_reports(dsn: str, *, version: str) -> None:
    """Report uncaught exceptions: no request bodies, no local variables, no people, since these may hold secrets."""
    try:
        import sentry_sdk
    except ImportError:
        raise ImproperlyConfigured(
            "SENTRY_DSN is set, but its client is not installed: pip install sentry-sdk, or unset SENTRY_DSN."
        ) from None
    sentry_sdk.init(
        dsn=dsn,
        release=version,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
    )

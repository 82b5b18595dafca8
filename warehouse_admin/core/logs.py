"""Logging: one line of text or one JSON object per event, with the request id that the audit trail carries."""

from __future__ import annotations

from typing import Any

import structlog

from warehouse_admin.core.keys import without_keys

PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def logging_config(*, level: str, format_: str) -> dict[str, Any]:
    """A `dictConfig` for everything that logs in this process; `format_` is `text` or `json`."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    renderer = structlog.processors.JSONRenderer() if format_ == "json" else structlog.dev.ConsoleRenderer(colors=False)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": PROCESSORS,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    renderer,
                    _hide_keys,
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "gunicorn.error": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
            "django.request": {"level": "CRITICAL"},  # the request's own line says it, with the request id
            "urllib3": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.worker.strategy": {"level": "WARNING"},
            "py.warnings": {"level": "ERROR"},
            "celery.beat": {"level": "WARNING"},
        },
    }


def _hide_keys(logger: Any, name: str, line: str) -> str:
    """The finished line: an address, an id of the caller or an exception may have a key in it."""
    return without_keys(line)

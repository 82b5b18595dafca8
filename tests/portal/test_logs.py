"""Log lines carry the request id of the audit trail, and no secret."""

from __future__ import annotations

import io
import json
import logging.config
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.test import Client
from django_structlog.celery.receivers import CeleryReceiver

from warehouse_admin.accounts.models import User
from warehouse_admin.audit.models import AuditEntry
from warehouse_admin.core import context
from warehouse_admin.core.logs import logging_config


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What this process logs, as `LOG_FORMAT=json` writes it."""
    stream = io.StringIO()
    wanted = logging_config(level="INFO", format_="json")
    wanted["handlers"]["stderr"]["stream"] = stream
    logging.config.dictConfig(wanted)
    yield stream
    logging.config.dictConfig(settings.LOGGING)
    structlog.contextvars.clear_contextvars()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_one_json_line_with_the_id_of_its_answer(db: None, logged: io.StringIO) -> None:
    answer = Client().get("/accounts/login/?code=a-secret-code")
    (line,) = [line for line in lines(logged) if line["event"] == "request_finished"]
    assert line["request_id"] == answer["X-Request-ID"]
    assert (line["request"], line["code"], line["level"]) == ("GET /accounts/login/", 200, "info")
    assert "timestamp" in line
    assert "a-secret-code" not in logged.getvalue()


def test_an_id_of_the_caller_is_logged_beside_ours_and_never_in_its_place(db: None, logged: io.StringIO) -> None:
    good = Client().get("/accounts/login/", headers={"X-Request-ID": "deploy-2026-11-23"})
    bad = Client().get("/accounts/login/", headers={"X-Request-ID": 'x" injected', "X-Correlation-ID": "injected"})
    assert [line["request_id"] for line in lines(logged)] == [good["X-Request-ID"], bad["X-Request-ID"]]
    assert all(re.fullmatch("[0-9a-f]{32}", answer["X-Request-ID"]) for answer in (good, bad))
    assert [line.get("sent_request_id") for line in lines(logged)] == ["deploy-2026-11-23", None]
    assert "injected" not in logged.getvalue()


def test_the_log_line_and_the_audit_entry_of_a_sign_in_have_one_id(author: User, logged: io.StringIO) -> None:
    Client().post("/accounts/login/", {"login": author.username, "password": "wrong-password-1"})
    entry = AuditEntry.objects.get(action="sign_in.failed")
    assert [line["request_id"] for line in lines(logged) if line["event"] == "request_finished"] == [entry.request_id]
    assert "wrong-password-1" not in logged.getvalue()


def test_an_exception_is_logged_on_one_line(logged: io.StringIO) -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        logging.getLogger("warehouse_admin").exception("it broke")
    (line,) = lines(logged)
    assert line["event"] == "it broke"
    assert "RuntimeError: broken" in line["exception"]


def test_a_key_is_in_no_line_wherever_it_came_from(db: None, logged: io.StringIO) -> None:
    key = "phx_0123456789abcdefABCDEF"
    Client().get(f"/nowhere/{key}/", headers={"X-Request-ID": key, "User-Agent": key, "Referer": key})
    try:
        raise RuntimeError(f"no such key: {key}")
    except RuntimeError:
        logging.getLogger("warehouse_admin").exception("it broke with %s", key)

    assert len(lines(logged)) == 2
    assert key not in logged.getvalue() and "[hidden]" in logged.getvalue()


def run_task(task_id: str, name: str, **queued_by: str) -> None:
    """What a worker does right before it runs a task that was queued in this context."""
    task = SimpleNamespace(name=name, request=SimpleNamespace(__django_structlog__=queued_by))
    CeleryReceiver().receiver_task_prerun(task_id, task)


def test_a_task_goes_on_under_the_id_of_who_queued_it() -> None:
    with context.use(context.RequestContext()):
        run_task("t1", "mirror.run_sync", request_id="of-the-click")
        assert context.current().request_id == "of-the-click"
        assert context.current().user_agent == "task mirror.run_sync"
    structlog.contextvars.clear_contextvars()


def test_tasks_that_nobody_asked_for_do_not_share_an_id() -> None:
    with context.use(context.RequestContext()):
        run_task("t1", "mirror.start_due_syncs")
        first = context.current().request_id
        run_task("t2", "mirror.start_due_syncs")
        second = context.current().request_id
        assert structlog.contextvars.get_contextvars()["request_id"] == second
    assert first != second
    structlog.contextvars.clear_contextvars()

"""Load an id, call a service."""

from __future__ import annotations

from celery import shared_task

from warehouse_admin.accounts.models import Connection


@shared_task(name="interviews.carry_out")
def carry_out(write_id: str) -> None:
    from warehouse_admin.interviews import services

    services.carry_out(write_id)


@shared_task(name="interviews.read_all")
def read_all(connection_id: int, is_full: bool = False) -> None:
    from warehouse_admin.interviews import services

    services.read_all(Connection.objects.get(pk=connection_id), is_full=is_full)


@shared_task(name="interviews.tend")
def tend() -> None:
    from warehouse_admin.interviews import services

    services.tend()

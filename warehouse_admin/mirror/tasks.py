"""The mirror's background work."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="mirror.run_sync")
def run_sync(sync_id: str) -> None:
    from warehouse_admin.mirror import services

    services.run_sync(sync_id)


@shared_task(name="mirror.start_due_syncs")
def start_due_syncs() -> None:
    from warehouse_admin.mirror import due

    due.start_due_syncs()


@shared_task(name="mirror.close_stuck_syncs")
def close_stuck_syncs() -> None:
    from warehouse_admin.mirror import services

    services.close_stuck_syncs()
    services.queue_again()


@shared_task(name="mirror.keep_up_search")
def keep_up_search() -> None:
    from warehouse_admin.mirror.search import texts

    texts.keep_up()


@shared_task(name="mirror.refresh_states")
def refresh_states() -> None:
    from warehouse_admin.mirror.refresh import refresh_states

    refresh_states()


@shared_task(name="mirror.decide_vanished")
def decide_vanished(sync_id: str) -> None:
    from warehouse_admin.mirror import attention

    attention.carry_out(sync_id)


@shared_task(name="mirror.note_beat")
def note_beat() -> None:
    from warehouse_admin.mirror import beats

    beats.note("beat")

"""Load an id, call a service. Every task may run twice: the claims in the database make that safe."""

from __future__ import annotations

from celery import shared_task


@shared_task(name="schedules.run_resume")
def run_resume(resume_id: str) -> None:
    from warehouse_admin.schedules import services

    services.run_resume(resume_id)


@shared_task(name="schedules.follow_resumes")
def follow_resumes() -> None:
    from warehouse_admin.schedules import services

    services.follow()


@shared_task(name="schedules.send_mutation")
def send_mutation(mutation_id: str) -> None:
    from warehouse_admin.schedules import services

    services.send_single(mutation_id)

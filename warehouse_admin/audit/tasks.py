"""Background checks of the trail."""

from __future__ import annotations

from celery import shared_task
from django.contrib.auth import get_user_model

from warehouse_admin.audit import sealing, services


@shared_task(name="audit.verify_chain")
def verify_chain(user_id: int | None = None) -> None:
    """Check the whole chain for somebody who asked; for nobody, what is due. Running twice checks twice."""
    if user_id is None:
        sealing.check_regularly()
    else:
        found = services.verify_and_record(actor=get_user_model().objects.filter(pk=user_id).first())
        if found.bad_sequence is None:
            sealing.seal(found)


@shared_task(name="audit.seal_chain")
def seal_chain() -> None:
    """Sign the chain's end if it is time to; running twice signs once."""
    sealing.seal_if_due()


@shared_task(name="audit.write_export")
def write_export(export_id: str) -> None:
    """Write the file of an export, unless another worker does."""
    from warehouse_admin.audit import export_writing

    export_writing.write(export_id)


@shared_task(name="audit.tend_exports")
def tend_exports() -> None:
    """See to exports that nobody writes, and clear away old files."""
    from warehouse_admin.audit import exports

    exports.tend()

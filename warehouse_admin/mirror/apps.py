from django.apps import AppConfig


class MirrorConfig(AppConfig):
    name = "warehouse_admin.mirror"

    def ready(self) -> None:
        from warehouse_admin.mirror import beats, hooks, selectors
        from warehouse_admin.mirror.search import receivers

        hooks.selections["views"] = hooks.Selection("mirror:view-list", selectors.ticked_ids)
        beats.listen()
        receivers.listen()

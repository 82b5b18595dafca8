from django.apps import AppConfig


class MirrorConfig(AppConfig):
    name = "warehouse_admin.mirror"

    def ready(self) -> None:
        from warehouse_admin.mirror import beats
        from warehouse_admin.mirror.search import receivers

        beats.listen()
        receivers.listen()

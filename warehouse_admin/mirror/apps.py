from django.apps import AppConfig


class MirrorConfig(AppConfig):
    name = "warehouse_admin.mirror"

    def ready(self) -> None:
        from warehouse_admin.mirror import beats

        beats.listen()

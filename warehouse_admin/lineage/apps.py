from django.apps import AppConfig


class LineageConfig(AppConfig):
    name = "warehouse_admin.lineage"

    def ready(self) -> None:
        from warehouse_admin.lineage import picture, receivers, selectors
        from warehouse_admin.mirror import hooks

        receivers.listen()
        hooks.downstream_counts.append(selectors.downstream_counts)
        hooks.upstream.append(selectors.upstream)
        hooks.downstream.append(selectors.downstream)
        hooks.caveats.append(selectors.caveat)
        hooks.view_sources.append(selectors.view_sources)
        hooks.pictures.append(picture.picture)
        hooks.table_readers.append(selectors.readers_of_table)

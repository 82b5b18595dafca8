from django.apps import AppConfig


class LineageConfig(AppConfig):
    name = "warehouse_admin.lineage"

    def ready(self) -> None:
        from warehouse_admin.lineage import comparison, formatting, picture, receivers, searching, selectors
        from warehouse_admin.mirror import hooks

        receivers.listen()
        hooks.downstream_counts.append(selectors.downstream_counts)
        hooks.upstream.append(selectors.upstream)
        hooks.downstream.append(selectors.downstream)
        hooks.caveats.append(selectors.caveat)
        hooks.view_sources.append(selectors.view_sources)
        hooks.pictures.append(picture.picture)
        hooks.formatters.append(formatting.formatted)
        hooks.comparisons.append(comparison.of)
        hooks.search_operators.append(searching.USES)
        hooks.table_readers.append(selectors.readers_of_table)

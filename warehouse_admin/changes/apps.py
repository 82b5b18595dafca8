from django.apps import AppConfig


class ChangesConfig(AppConfig):
    name = "warehouse_admin.changes"

    def ready(self) -> None:
        from warehouse_admin.changes import drafting, drafts, history, menu, propose, selectors
        from warehouse_admin.mirror import hooks

        hooks.open_changes.append(selectors.open_by_view)
        hooks.proposals.append(menu.proposals)
        hooks.table_proposals.append(menu.table_proposals)
        hooks.new_tables.append(menu.new_table)
        hooks.open_table_changes.append(selectors.others_open)
        hooks.cadence_changes.append(propose.cadence_change)
        hooks.change_drafts.append(drafting.draft)
        hooks.dropped_drafts.append(drafting.drop)
        hooks.begun_edits.append(drafts.has_draft)
        hooks.history.extend(history.SOURCES)

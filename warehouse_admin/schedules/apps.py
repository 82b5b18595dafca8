from django.apps import AppConfig


class SchedulesConfig(AppConfig):
    name = "warehouse_admin.schedules"

    def ready(self) -> None:
        from warehouse_admin.mirror import hooks
        from warehouse_admin.schedules import forms, history, holds, offers, own_starts

        hooks.proposals.append(offers.menu)
        hooks.selections["schedules"] = hooks.Selection("schedules:list", lambda user, sent: forms.chosen_ids(sent))
        hooks.own_pauses.append(holds.own_pauses)
        hooks.own_starts.append(own_starts.own_starts)
        hooks.calls_for_people.append(holds.calls_for_people)
        hooks.history.extend(history.SOURCES)

"""What every command of the portal has in common: `--json`, exit status 0/1/2, one request id for all it does."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, NoReturn

from django.core.management import BaseCommand, CommandError

from warehouse_admin.core import context
from warehouse_admin.core.errors import InvalidInput, UserError

FAILED, MISUSE = 1, 2


class PortalCommand(BaseCommand):
    """Subclasses write `add_options` and `run`; `run` returns what `--json` prints."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
        self.add_options(parser)

    def add_options(self, parser: ArgumentParser) -> None:
        """Arguments of this command."""

    run: Callable[..., dict[str, Any]]
    """Does the work; raises UserError, or calls `fail` or `misuse`, when it cannot be done."""

    def handle(self, *args: Any, **options: Any) -> None:
        self._json = options["json"]
        with context.use(context.RequestContext(user_agent=f"command {self.__module__.rpartition('.')[2]}")):
            try:
                result = self.run(**options)
            except InvalidInput as error:
                self.fail(_sentence(error), errors=error.errors)
            except UserError as error:
                self.fail(error.message)
        self._print_json({"ok": True, **result})

    def say(self, text: str) -> None:
        """One line for people, at once."""
        self.stdout.write(text)
        self.stdout.flush()

    def fail(self, message: str, **details: Any) -> NoReturn:
        """The work could not be done: exit status 1."""
        self._stop(message, FAILED, details)

    def misuse(self, message: str, **details: Any) -> NoReturn:
        """The command was called wrongly: exit status 2."""
        self._stop(message, MISUSE, details)

    def _stop(self, message: str, status: int, details: dict[str, Any]) -> NoReturn:
        self._print_json({"ok": False, "error": message, **details})
        raise CommandError(message, returncode=status)

    def _print_json(self, result: dict[str, Any]) -> None:
        if self._json:
            self.say(json.dumps(result, default=str))


def _sentence(error: InvalidInput) -> str:
    named = [f"{field}: {text}" for field, texts in error.errors.items() for text in texts]
    return "\n".join([error.message, *named])

"""The class of commands whose exit code 2 reports what they found."""

from typing import Any

import click

from bridge.cli.main import PROBLEM_CODE

PROBLEM = 1


class Gate(click.Command):
    """A command that ends with 2 if something would change, differs or was refused. A user's mistake ends it with 1."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        try:
            context = super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            setattr(error, "exit_code", PROBLEM)  # noqa: B010 - click lets it be set, but types it as constant
            raise
        context.meta[PROBLEM_CODE] = PROBLEM
        return context

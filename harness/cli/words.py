"""What is said about a word that the command line does not know: the words that it does."""

import click

from harness.errors import UsageError


class NamingGroup(click.Group):
    """A group of commands that names them all when it is asked for another."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names; raises `UsageError`."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            names = ", ".join(self.list_commands(ctx))
            raise UsageError(
                f"there is no command {args[0]!r}; the commands of {ctx.command_path} are {names}"
            )
        return super().resolve_command(ctx, args)


def one_line(error: click.ClickException) -> str:
    """Say in one line what is wrong, and name the options when one is unknown."""
    message = " ".join(error.format_message().split())
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        context = error.ctx
        options = [
            option
            for parameter in context.command.get_params(context)
            if isinstance(parameter, click.Option)
            for option in (*parameter.opts, *parameter.secondary_opts)
        ]
        names = ", ".join(options)
        return f"there is no option {error.option_name!r}; {context.command_path} has {names}"
    return message

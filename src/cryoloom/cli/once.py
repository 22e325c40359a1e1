"""Options are given once: of two values the library that reads the command line would keep the last and say nothing."""

from collections.abc import Sequence

import click


class OnceGroup(click.Group):
    """A program whose commands refuse an option that is given twice, but where they take several."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            _check(command, rest, ctx)
        return name, command, rest


def _check(command: click.Command, words: Sequence[str], parent: click.Context) -> None:
    """That no option of a command, or of the one of its group that is named, stands there twice.

    Raises:
        UsageError: one does; it is named.
    """
    # What is wrong besides is said when the words are read in earnest.
    ctx = command.context_class(
        command, parent=parent, info_name=command.name, resilient_parsing=True, **command.context_settings
    )
    _, left, order = command.make_parser(ctx).parse_args([*words])
    if isinstance(command, click.Group):
        inner = command.get_command(ctx, left[0]) if left else None
        if inner is not None:
            _check(inner, left[1:], ctx)
        return
    for option in dict.fromkeys(order):
        if not isinstance(option, click.Option) or option.is_flag or option.multiple or option.count:
            continue
        if (count := order.count(option)) > 1:
            raise click.UsageError(
                f"{option.opts[0]} is given {count} times, and takes one value: of several only the last would count.", ctx
            )  # fmt: skip

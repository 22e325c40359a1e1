"""The `cryoloom` command: its groups put together, and the edge where errors become sentences."""

import gc
import os
import sys

import click

from cryoloom._version import __version__
from cryoloom.cli import (
    comparing,
    completion,
    jobs,
    launchers,
    lifecycle,
    picking,
    provenance,
    relion,
    service,
    serving,
    session,
    setup,
    showing,
    simulation,
    star,
    steering,
    suggesting,
    sweeping,
    workflows,
)
from cryoloom.cli.completion import VARIABLE
from cryoloom.cli.once import OnceGroup
from cryoloom.cli.shell import FAILED, USAGE, print_json, say_error
from cryoloom.errors import CryoloomError, ParameterError, ProjectError, StarError

CONTEXT = {"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 110}


@click.group("cryoloom", cls=OnceGroup, context_settings=CONTEXT, no_args_is_help=True)
@click.version_option(__version__, prog_name="cryoloom", message="%(prog)s %(version)s", help="Print it.")
def app() -> None:
    """Cryo-EM single-particle processing from microscope movies to a map, on RELION."""


for group in (
    setup, jobs, lifecycle, steering, picking, showing, provenance, comparing, workflows, star, suggesting, sweeping, relion,
    serving, session, service, simulation, launchers, completion,
):  # fmt: skip
    group.add_to(app)


INTERRUPTED = 130


def _say_interrupted() -> None:
    print(
        "\nInterrupted; jobs go on. `cryoloom ls` shows them, `cryoloom stop JOB` ends one.", file=sys.stderr
    )


def _usage_as_dict(error: click.UsageError) -> dict[str, str]:
    """Wrong usage with the keys of every other error."""
    command = error.ctx.command_path if error.ctx else "cryoloom"
    usage = error.ctx.get_usage().removeprefix("Usage: ") if error.ctx else f"{command} --help"
    return {
        "where": command,
        "found": error.format_message(),
        "expected": " ".join(usage.split()),
        "hint": f"`{command} --help` tells its options.",
    }


def main() -> int:
    """Run the command; errors of users are one sentence and exit code 2 or 1, never a traceback."""
    # A command ends soon: looking for garbage among ten thousand jobs would only take time.
    gc.set_threshold(100_000)
    if VARIABLE in os.environ:  # a shell asks which words could follow
        from cryoloom.cli import shells

        shells.answer()
    try:
        # Outside its standalone mode click hands a command's `Exit` code back as the value.
        code = app(standalone_mode=False, prog_name="cryoloom")
    except click.Abort as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):
            return FAILED
        _say_interrupted()  # the library that reads the command line has caught it
        return INTERRUPTED
    except (ParameterError, ProjectError, StarError) as error:
        say_error(error, "--json" in sys.argv)
        return USAGE
    except CryoloomError as error:
        say_error(error, "--json" in sys.argv)
        return FAILED
    except KeyboardInterrupt:
        _say_interrupted()
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone (`cryoloom ls | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        show, code = getattr(error, "show", None), getattr(error, "exit_code", None)
        if callable(show) and isinstance(code, int):
            # Wrong usage, in the words of the library that reads the command line.
            if "--json" in sys.argv and isinstance(error, click.UsageError):
                print_json({"error": _usage_as_dict(error)})
            show()
            return code
        if isinstance(error, OSError):
            words = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error
            print(f"cryoloom: {words}", file=sys.stderr)
            return FAILED
        raise
    return code if isinstance(code, int) else 0

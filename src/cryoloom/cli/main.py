"""The `cryoloom` command: its groups put together, and the edge where errors become sentences."""

import gc
import os
import sys
from typing import Annotated

import typer

from cryoloom._version import __version__
from cryoloom.cli import (
    jobs,
    lifecycle,
    relion,
    service,
    setup,
    showing,
    simulation,
    star,
    steering,
    workflows,
)
from cryoloom.cli.shell import FAILED, USAGE, say_error
from cryoloom.errors import CryoloomError, ParameterError, ProjectError, StarError

app = typer.Typer(
    name="cryoloom",
    help="Cryo-EM single-particle processing from microscope movies to a map, on RELION.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"cryoloom {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Cryo-EM single-particle processing from microscope movies to a map, on RELION."""


for group in (setup, jobs, lifecycle, steering, showing, workflows, star, relion, service, simulation):
    group.add_to(app)


INTERRUPTED = 130


def _say_interrupted() -> None:
    print(
        "\nInterrupted; jobs go on. `cryoloom ls` shows them, `cryoloom stop JOB` ends one.", file=sys.stderr
    )


def main() -> int:
    """Run the command; errors of users are one sentence and exit code 2 or 1, never a traceback."""
    # A command ends soon: looking for garbage among ten thousand jobs would only take time.
    gc.set_threshold(100_000)
    try:
        # Outside its standalone mode click hands a command's `typer.Exit` code back as the value.
        code = app(standalone_mode=False)
        if code == INTERRUPTED:
            _say_interrupted()  # the library that reads the command line has caught it
    except typer.Abort:
        return FAILED
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
            show()
            return code
        if isinstance(error, OSError):
            print(f"cryoloom: {error}", file=sys.stderr)
            return FAILED
        raise
    return code if isinstance(code, int) else 0

"""`iqa`: the one front door. Exit codes: 0 done, 1 the data failed a check, 2 could not check or run.

Here: the table of commands and what happens to an error. Not here: any command (`commands/`). The one trap:
whatever is imported here is paid by every call, so only click and light modules are.
"""

import atexit
import contextlib
import gc
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence

import click

from dagster_project import __version__
from dagster_project.commands.common import COULD_NOT_RUN, expect_format, misused, print_error

# name -> what `iqa --help` says; the command is in `dagster_project.commands.<name>`.
COMMANDS = {
    "run": "Ingest the extracts, build the marts, check them and release them.",
    "check": "The same without a release.",
    "releases": "List the releases.",
    "rollback": "Move `current` back to an earlier release.",
    "verify": "Reconcile a release; sign off or refuse a scope of it.",
    "waive": "Let a failed check through for a limited time.",
    "diff": "Show the figures that differ between two releases.",
    "rebuild": "Make a release again from its manifest, and compare.",
    "explain": "Show the rows behind one figure, and why each is in or out.",
    "evidence": "List the assessments without recorded comments, by Area, ready to send.",
    "report": "Show the board pack and workbook of a release, or make them again.",
    "synth": "Write seeded synthetic extracts.",
    "ui": "Open Dagster's web interface over the same flow.",
    "draw": "Draw the dip sample of a quarter or the file sample of an inspection.",
    "themes": "Evaluate the theme patterns, list what they miss, show what an edit would move.",
    "docs": "Write the reference pages: metrics, tables, extracts, policies, commands.",
    "doctor": "Say what is wrong with the installation, folders, locks or key.",
}


class _LazyGroup(click.Group):
    """A group that imports a command when it is called and not before."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"dagster_project.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 the data failed a check, 2 could not check or could not run.",
)
@click.version_option(__version__, prog_name="iqa")
def iqa() -> None:
    """Metrics warehouse for individual quality assessments: extracts in, checked figures out."""


# New objects before Python looks for garbage, and how often it then looks among older ones. A run makes
# millions of objects that live to its end: with Python's own 700 the looking took a fifth of its time.
_GARBAGE_THRESHOLDS = (100_000, 20, 100)


def main() -> None:
    """Run `iqa` and leave the process with its exit code."""
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    ending = _Ending()
    # Registered first, so called last: after Python has waited for threads and called all that libraries
    # registered since.
    atexit.register(ending.leave)
    try:
        ending.code = call(sys.argv[1:])
    except SystemExit as error:
        # Click's, where the reader of our output went away.
        ending.code = error.code if isinstance(error.code, int) else COULD_NOT_RUN


class _Ending:
    """Leaves the process at once, where Python would take apart millions of objects one by one: seconds."""

    code = COULD_NOT_RUN

    def leave(self) -> None:
        """End the process, once what was written and logged is out."""
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            # A reader that went away has been dealt with in `call`; nobody is left to tell.
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(self.code)


def call(arguments: Sequence[str]) -> int:
    """Run `iqa` with `arguments` and return its exit code. No stack trace unless IQA_DEBUG=1."""
    expect_format(arguments)
    try:
        code = iqa.main(args=list(arguments), prog_name="iqa", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Stopped.", err=True)
        return COULD_NOT_RUN
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return COULD_NOT_RUN
    except click.ClickException as error:
        print_error(misused(error))
        return COULD_NOT_RUN
    except KeyboardInterrupt:
        click.echo("Stopped. The last release stays in place.", err=True)
        return COULD_NOT_RUN
    except BrokenPipeError:
        # The reader of our output went away (`iqa releases | head`): nothing to tell anybody.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("IQA_DEBUG") == "1":
            traceback.print_exc()
        print_error(error)
        return COULD_NOT_RUN
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()

"""The commands of `iqa`, one module each.

Here: options, printing and exit codes. Not here: any work; a command calls the stage that does it. To add
one, write `commands/<name>.py` with a click command called `command`, and its line in `COMMANDS` in `cli.py`.
The one trap: imports. A module here is imported only when its command is called, and itself imports the heavy
libraries inside functions, so that `iqa --help` answers at once.
"""

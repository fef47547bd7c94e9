"""Assurance: what people say of figures, kept so that it can be trusted and undone.

Here: the sign-off and waiver logs, what a sign-off covers, statuses in a candidate, verification of a
release, differences between releases, retention. Not here: running the pipeline (`orchestration/`), or
asking and printing (`commands/`). The trap: nothing here may read the clock to decide about a figure; a time
stamp in a log is a record, and what stands is decided from the log, the counts and `as_of` alone.
"""

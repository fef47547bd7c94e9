"""The gate between a built candidate and a release: what was planned, what completed, what may pass.

Here: the record of a check, the plan, the Great Expectations runner and the decision. Not here: the checks
of other stages (ingest, reconciliation, disclosure), which arrive as `Check` records, and the release.
The trap: a check that crashed or never ran must not look like one that passed.
"""

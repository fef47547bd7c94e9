"""The flow as a whole: extracts -> models -> gate -> release, as one run and as Dagster definitions.

Here: the order of the stages (`pipeline.py`), what a run tells people (`headlines.py`, `steps.py`), and the
Dagster assets, checks and jobs over them (`definitions.py`). Not here: what a stage does. The trap: every way
to run the flow goes through `Pipeline`, so that the command line and Dagster's interface cannot drift apart.
"""

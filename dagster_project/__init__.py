"""The IQA metrics warehouse: extracts in, gated and released marts out.

Each folder is one stage of the flow; arrows go one way:
extracts -> warehouse -> statistics -> gate -> disclosure -> release -> orchestration (Dagster) -> cli.
Nothing is imported here: start-up time is part of the interface.
"""

__version__ = "0.1.0"

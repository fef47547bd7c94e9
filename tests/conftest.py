"""Fixtures and settings that hold for every test."""

import os
import sys
from pathlib import Path

_TESTS = Path(__file__).parent
# `from support.pipeline import build_marts` works from any test, wherever pytest was started.
sys.path.insert(0, str(_TESTS))

# One parse of the dbt folder serves every test and every worker; it stays between sessions.
os.environ["IQA_CACHE_DIR"] = str(_TESTS.parent / "warehouse" / "cache")
# A test says what it wants; what the developer's shell says must not reach it.
for name in [name for name in os.environ if name.startswith("IQA_") and name != "IQA_CACHE_DIR"]:
    del os.environ[name]

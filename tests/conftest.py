"""Settings that hold for every test."""

import os
from pathlib import Path

# A test says what it wants; what the developer's shell says must not reach it.
for name in [name for name in os.environ if name.startswith("IQA_")]:
    del os.environ[name]
# One parse of the dbt folder serves every test and every worker; it stays between sessions.
os.environ["IQA_CACHE_DIR"] = str(Path(__file__).parent.parent / "warehouse" / "cache")

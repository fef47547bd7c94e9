"""Where things are and how much of the machine they may use: the one typed settings object.

Policy numbers (thresholds, dates, rates) are not here: they are rows of the seed `policies`.
The one trap: nothing in this module may read the clock; `as_of` comes from the extracts.
"""

import os
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from dagster_project.errors import IqaError

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DBT_DIR = PROJECT_ROOT / "dbt"
SEEDS_DIR = DBT_DIR / "seeds"
EXPECTATIONS_DIR = PROJECT_ROOT / "expectations"

# Every library that phones home is told not to, before it is imported (see `silence_telemetry`).
_TELEMETRY_OFF = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "DAGSTER_DISABLE_TELEMETRY": "yes",
}


def silence_telemetry() -> None:
    """Turn usage reporting off for dbt, Dagster and Great Expectations in this process and its children."""
    for name, value in _TELEMETRY_OFF.items():
        os.environ.setdefault(name, value)


@dataclass(frozen=True)
class Settings:
    """Paths, reporting date and machine limits of one run.

    `raw_dir` holds the extracts, `marts_dir` the releases; `warehouse` is the DuckDB work file, which no
    reader opens. `as_of` is None until the extracts name it. `memory_limit` is in DuckDB's notation.
    """

    raw_dir: Path = PROJECT_ROOT / "data" / "raw"
    marts_dir: Path = PROJECT_ROOT / "data" / "marts"
    warehouse: Path = PROJECT_ROOT / "warehouse" / "iqa.duckdb"
    as_of: date | None = None
    pseudonym_key_file: Path | None = None
    threads: int = 2
    memory_limit: str = "4GB"
    spill: Path | None = None

    @property
    def landing_dir(self) -> Path:
        """Content-addressed copies of what arrived, beside the warehouse file."""
        return self.warehouse.parent / "landing"

    @property
    def spill_dir(self) -> Path:
        """Where DuckDB spills what exceeds `memory_limit`: `spill`, else a folder beside the work file."""
        return self.spill or self.warehouse.parent / "spill"

    @classmethod
    def from_environment(cls, **overrides: object) -> "Settings":
        """Defaults, then the environment (IQA_*), then `overrides` that are not None.

        Raises IqaError if IQA_AS_OF or IQA_THREADS cannot be read.
        """
        env = os.environ
        found: dict[str, object] = {}
        for field, name in (
            ("raw_dir", "IQA_RAW_DIR"),
            ("marts_dir", "IQA_MARTS_DIR"),
            ("warehouse", "IQA_WAREHOUSE"),
            ("pseudonym_key_file", "IQA_PSEUDONYM_KEY_FILE"),
            ("spill", "IQA_SPILL"),
        ):
            if env.get(name):
                found[field] = Path(env[name])
        if env.get("IQA_AS_OF"):
            found["as_of"] = iso_date("IQA_AS_OF", env["IQA_AS_OF"], "the environment variable IQA_AS_OF")
        if env.get("IQA_THREADS"):
            try:
                found["threads"] = int(env["IQA_THREADS"])
            except ValueError:
                raise _unreadable(
                    "IQA_THREADS",
                    env["IQA_THREADS"],
                    "the environment variable IQA_THREADS",
                    "a whole number, as 2",
                ) from None
        if env.get("IQA_MEMORY_LIMIT"):
            found["memory_limit"] = env["IQA_MEMORY_LIMIT"]
        found.update({name: value for name, value in overrides.items() if value is not None})
        settings = replace(cls(), **found)  # type: ignore[arg-type]
        return replace(
            settings,
            raw_dir=settings.raw_dir.absolute(),
            marts_dir=settings.marts_dir.absolute(),
            warehouse=settings.warehouse.absolute(),
            spill=settings.spill and settings.spill.absolute(),
        )


def iso_date(name: str, text: str, where: str) -> date:
    """The day that the setting `name`, found at `where`, holds as YYYY-MM-DD.

    Raises IqaError if it is not one.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _unreadable(name, text, where, "a date as YYYY-MM-DD") from None


def _unreadable(name: str, text: str, where: str, expected: str) -> IqaError:
    return IqaError(
        f"{name} is {text!r}, which cannot be read.",
        where=where,
        expected=expected,
        next_step="Correct it or unset it.",
    )

"""The ingest in a process of its own, with a limit on its memory: `python -m ... BYTES FOLDER` prints JSON.

Belongs here: the limit, and what became of every file. Does not: what is expected. The trap: the limit is on
addresses, of which Arrow and DuckDB reserve more than they use; `peak` is what was used.
"""

import json
import resource
import sys
from pathlib import Path

import duckdb

from dagster_project.extracts import ingest
from dagster_project.settings import Settings


def main(memory: int, root: Path) -> None:
    """Ingest `root/raw` in at most `memory` bytes."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    settings = Settings(
        raw_dir=root / "raw", marts_dir=root / "marts", warehouse=root / "w.duckdb", threads=1
    )
    with duckdb.connect(str(settings.warehouse), config={"threads": 1, "memory_limit": "1GB"}) as connection:
        result = ingest(settings, connection)
        accepted = connection.execute(
            "select dataset, sum(rows_accepted)::bigint from raw.files "
            "where dataset is not null group by dataset"
        ).fetchall()
        quarantine = connection.execute(
            "select dataset, rule_id, count(*) from raw.quarantine group by all order by all"
        ).fetchall()
    files = {
        file.source_file: [file.status, file.rule_id, file.message, file.is_balanced] for file in result.files
    }
    peak = _peak()
    print(
        json.dumps(
            {
                "as_of": str(result.as_of),
                "files": files,
                "accepted": dict(accepted),
                "quarantine": quarantine,
                "peak": peak,
            }
        )
    )


def _peak() -> int:
    """Most bytes this process held. Not `ru_maxrss`: that one begins at what the parent had held."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))

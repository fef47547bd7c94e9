"""Making a release again from its manifest, to show that its figures follow from its inputs.

Here: finding the inputs that the manifest names, and one run over them into a folder of its own. Not here:
the stages (`pipeline.py`). The trap: files in the raw folder may have been replaced since. An input counts as
found only if its bytes have the recorded sha256, or if the landing area holds what was read from those bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from dagster_project.assurance.chain import Head
from dagster_project.errors import IqaError
from dagster_project.extracts.delivery import Delivered
from dagster_project.extracts.landing import READER_VERSION, landed_path
from dagster_project.extracts.result import FileOutcome
from dagster_project.extracts.sealed import sha256_of, unsealed
from dagster_project.gate.decision import GateDecision
from dagster_project.orchestration.pipeline import SUITES_DIR, Pipeline
from dagster_project.release.history import release_folder
from dagster_project.release.identity import RELEASES, is_release_id
from dagster_project.release.manifest import read_manifest
from dagster_project.release.provenance import code_version
from dagster_project.settings import Settings

_COUNTS = ("read", "accepted", "quarantined", "superseded", "repeated")


@dataclass(frozen=True)
class Rebuilt:
    """A release made again. `differing` are the marts whose content hash is another one."""

    release_id: str
    path: Path
    marts: int
    differing: tuple[str, ...]
    remarks: tuple[str, ...]


def rebuild(
    settings: Settings,
    release_id: str,
    out: Path | None = None,
    *,
    dbt_dir: Path | None = None,
    suites_dir: Path = SUITES_DIR,
    policy_file: Path | None = None,
) -> Rebuilt:
    """Make the release `release_id` of `settings.marts_dir` again, in `out`, and compare content hashes.

    `out` is a folder of releases, by default `rebuilt` beside the warehouse. Neither `current` nor the
    release itself is touched. Raises IqaError when an input is nowhere to be found, or the gate stays shut.
    """
    manifest = read_manifest(release_folder(settings.marts_dir, release_id))
    again = replace(
        settings,
        marts_dir=out or settings.warehouse.parent / "rebuilt",
        # In the same folder, so that the landing area is the one that was filled when the files came.
        warehouse=settings.warehouse.with_name(f"rebuild-{settings.warehouse.name}"),
        as_of=date.fromisoformat(str(manifest["as_of"])),
    )
    recorded = [_found(_outcome(record), settings) for record in _records(manifest)]
    assurance = _mapping(manifest.get("assurance"))
    pipeline = Pipeline(
        again,
        is_to_release=True,
        dbt_dir=dbt_dir,
        suites_dir=suites_dir,
        policy_file=policy_file,
        sign_offs_upto=_head(assurance.get("sign_offs")),
        waivers_upto=_head(assurance.get("waivers")),
        logs_dir=settings.marts_dir,
        recorded=recorded,
        audited_against=_release_before(
            settings.marts_dir, _mapping(manifest.get("disclosure")).get("audited_against")
        ),
    )
    try:
        with pipeline:
            pipeline.ingest()
            pipeline.build()
            pipeline.validate()
            pipeline.protect()
            _require_open(pipeline.decide(), release_id)
            made = pipeline.publish()
    finally:
        again.warehouse.unlink(missing_ok=True)
    then = {name: _mapping(record) for name, record in _mapping(manifest["marts"]).items()}
    now = _mapping(read_manifest(made.path)["marts"])
    return Rebuilt(
        release_id=release_id,
        path=made.path,
        marts=len(then),
        differing=tuple(sorted(name for name in {*then, *now} if then.get(name) != now.get(name))),
        remarks=tuple(_remarks(manifest, pipeline)),
    )


def _release_before(marts_dir: Path, name: object) -> Path | None:
    """The folder of the release that disclosure control looked at too; None if there is none."""
    folder = marts_dir / RELEASES / str(name)
    return folder if name is not None and is_release_id(str(name)) and folder.is_dir() else None


def _records(manifest: Mapping[str, object]) -> list[Mapping[str, object]]:
    inputs = manifest["inputs"]
    return [_mapping(record) for record in inputs] if isinstance(inputs, list) else []


def _outcome(record: Mapping[str, object]) -> FileOutcome:
    def text(name: str) -> str | None:
        value = record.get(name)
        return None if value is None else str(value)

    def number(name: str) -> int:
        return int(str(record.get(name) or 0))

    extract_date, part = text("extract_date"), text("part")
    return FileOutcome(
        dataset=text("dataset"),
        source_file=str(record["source_file"]),
        file_sha256=text("file_sha256"),
        extract_date=None if extract_date is None else date.fromisoformat(extract_date[:10]),
        part=None if part is None else int(part),
        file_format=text("file_format"),
        encoding=None,
        bytes=number("bytes"),
        status=str(record["status"]),
        rule_id=text("rule_id"),
        **{f"rows_{name}": number(f"rows_{name}") for name in _COUNTS},  # type: ignore[arg-type]
    )


def _found(outcome: FileOutcome, settings: Settings) -> FileOutcome:
    """The outcome, if what it needs is there."""
    if outcome.status not in ("loaded", "repeat") or outcome.file_sha256 is None:
        return outcome
    raw = settings.raw_dir / outcome.source_file
    delivered = Delivered(
        raw, outcome.source_file, outcome.dataset, outcome.extract_date, outcome.part, outcome.file_format
    )
    landed = landed_path(settings.landing_dir, delivered, outcome.file_sha256)
    if unsealed(landed, READER_VERSION) is not None:
        return outcome
    if raw.is_file() and sha256_of(raw) == outcome.file_sha256:
        return outcome
    raise IqaError(
        f"An input of the release is nowhere to be found: {outcome.source_file}.",
        where=f"{settings.raw_dir} and {settings.landing_dir}",
        expected=f"a file with the sha256 {outcome.file_sha256}, or what was read from it",
        next_step="Restore the file from a backup to that name, then repeat the command.",
    )


def _require_open(decision: GateDecision, release_id: str) -> None:
    if decision.may_release:
        return
    raise IqaError(
        f"{decision.sentence()} It was open for release {release_id}.",
        where=", ".join(check.id for check in decision.blocking[:5]),
        expected="the same checks with the same verdicts",
        next_step="Check out the code that the release's manifest names, then repeat the command.",
    )


def _remarks(manifest: Mapping[str, object], pipeline: Pipeline) -> list[str]:
    """What differs from the first run besides the day."""
    then, now = _mapping(manifest["code"]), code_version()
    remarks = []
    if then.get("tree_hash") != now.tree_hash:
        remarks.append(f"Other code: the release was made by {then.get('version')}, this one by {now.label}.")
    if manifest.get("pseudonym_key_id") != pipeline.key.key_id:
        remarks.append("Another pseudonym key: keys of staff differ wherever they are shown.")
    return remarks


def _head(value: object) -> Head:
    record = _mapping(value)
    return Head(int(str(record["entries"])), str(record["last_hash"]))


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}

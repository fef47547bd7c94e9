"""Expectation suites as written: one YAML file a mart in `expectations/marts/`.

Reads and checks the form of the files; it does not import Great Expectations, which takes 5 s (`run_suites`
in `expectations.py` does). The trap: a suite that cannot be read must still appear in the plan, or its
checks would vanish from the gate; it is kept with its `problem` and ends as `crashed`.

A file has these keys:
    mart, owner, description
    derived:       new column: SQL expression, added to the rows of the mart before they are checked
    frames:        name: SQL, other row sets an expectation may be about (the warehouse is `warehouse`)
    expectations:  list of id, type, kwargs, reason, and optionally severity (error), owner, frame
A kwarg written `{query: SQL}` takes the values of the first column of that query's result.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from dagster_project.gate.checks import Check, Kind, Severity
from dagster_project.gate.dbt_checks import DEFAULT_OWNER, planned_dbt_checks
from dagster_project.yaml_files import read_yaml

_SUITE_KEYS = {"mart", "owner", "description", "derived", "frames", "expectations"}
_EXPECTATION_KEYS = {"id", "type", "kwargs", "reason", "severity", "owner", "frame"}


@dataclass(frozen=True)
class Expectation:
    """One expectation: what Great Expectations is to verify, and the check it stands for."""

    check: Check
    type: str
    kwargs: Mapping[str, object]
    frame: str | None = None


@dataclass(frozen=True)
class Suite:
    """The expectations about one mart. `problem` is set when the file could not be understood."""

    mart: str
    path: Path
    expectations: tuple[Expectation, ...] = ()
    derived: Mapping[str, str] = field(default_factory=dict)
    frames: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None

    @property
    def readable_check(self) -> Check:
        """The check that the suite itself can be read."""
        return Check(
            id=f"expect:{self.mart}.suite_is_readable",
            kind=Kind.EXPECTATION,
            subject=self.mart,
            severity=Severity.ERROR,
            owner=DEFAULT_OWNER,
            reason=f"The expectations about {self.mart} can be read, so that none of them is lost.",
        )

    @property
    def checks(self) -> list[Check]:
        """The checks this suite plans."""
        return [self.readable_check, *(expectation.check for expectation in self.expectations)]


def read_suites(folder: Path) -> list[Suite]:
    """Every suite in `folder`, in the order of file names. A bad file becomes a suite with a problem."""
    return [_read_suite(path) for path in sorted(folder.glob("*.yml"))]


def planned_checks(
    manifest: Mapping[str, object],
    suites: Iterable[Suite],
    others: Iterable[Check] = (),
) -> list[Check]:
    """The whole plan: dbt's tests, the suites' expectations, and the `others` that stages announce."""
    return [
        *planned_dbt_checks(manifest),
        *(check for suite in suites for check in suite.checks),
        *others,
    ]


def _read_suite(path: Path) -> Suite:
    try:
        content = read_yaml(path)
        return _suite(path, content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError) as error:
        return Suite(mart=path.stem, path=path, problem=f"{path.name}: {error}")


def _suite(path: Path, content: object) -> Suite:
    document = _mapping(content, "the file")
    _only(document, _SUITE_KEYS, "the file")
    if document.get("mart") != path.stem:
        raise ValueError(f"mart is {document.get('mart')!r}: expected {path.stem!r}, the name of the file")
    entries = document.get("expectations")
    if not isinstance(entries, list) or not entries:
        raise ValueError("expected a list under `expectations`, with at least one entry")
    frames = {str(name): str(sql) for name, sql in _mapping(document.get("frames", {}), "frames").items()}
    owner = str(document.get("owner") or DEFAULT_OWNER)
    expectations = tuple(_expectation(path.stem, owner, entry, frames) for entry in entries)
    ids = [expectation.check.id for expectation in expectations]
    repeated = sorted({check_id for check_id in ids if ids.count(check_id) > 1})
    if repeated:
        raise ValueError(f"expected each id once; repeated: {', '.join(repeated)}")
    derived = _mapping(document.get("derived", {}), "derived")
    return Suite(
        mart=path.stem,
        path=path,
        expectations=expectations,
        derived={str(name): str(sql) for name, sql in derived.items()},
        frames=frames,
    )


def _expectation(mart: str, owner: str, entry: object, frames: Mapping[str, str]) -> Expectation:
    fields = _mapping(entry, "an expectation")
    name = str(fields.get("id", "without id"))
    _only(fields, _EXPECTATION_KEYS, name)
    for key in ("id", "type", "reason"):
        if not fields.get(key):
            raise ValueError(f"expectation {name}: `{key}` is missing")
    severity = str(fields.get("severity", "error"))
    if severity not in {str(item) for item in Severity}:
        raise ValueError(f"expectation {name}: severity is {severity!r}, expected error or warn")
    frame = fields.get("frame")
    if frame is not None and frame not in frames:
        raise ValueError(f"expectation {name}: frame {frame!r} is not under `frames`")
    return Expectation(
        check=Check(
            id=f"expect:{mart}.{name}",
            kind=Kind.EXPECTATION,
            subject=mart,
            severity=Severity(severity),
            owner=str(fields.get("owner") or owner),
            reason=" ".join(str(fields["reason"]).split()),
        ),
        type=str(fields["type"]),
        kwargs=_mapping(fields.get("kwargs", {}), f"kwargs of {name}"),
        frame=None if frame is None else str(frame),
    )


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ValueError(f"{where}: expected keys with values, found {type(value).__name__}")
    return value


def _only(fields: Mapping[str, object], known: set[str], where: str) -> None:
    unknown = sorted(set(map(str, fields)) - known)
    if unknown:
        raise ValueError(f"{where}: unknown key {', '.join(unknown)}; expected {', '.join(sorted(known))}")

"""The page of guarantees names tests and limits; both must be there."""

import re
from dataclasses import fields
from pathlib import Path

from dagster_project.extracts.limits import Limits, variable

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`( \(slow\))?", PAGE)
    assert len(named) > 30
    for path, test, slow in named:
        source = (ROOT / path).read_text(encoding="utf-8")
        before, found, _ = source.partition(f"\ndef {test}(")
        assert found, f"{path}::{test}"
        decorators = before.rpartition("\n\n\n")[2]
        assert ("\n@pytest.mark.slow" in f"\n{decorators}") == bool(slow), f"{path}::{test}"


def test_every_guarantee_has_a_test_that_attacks_it() -> None:
    rows = re.findall(r"^\| (\d+) \|(.*)$", PAGE, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, 11))
    assert all("::test_" in row for _, row in rows)


def test_the_limits_on_the_page_are_those_of_the_program() -> None:
    shown = re.findall(r"^\| `(IQA_LIMIT_\w+)` \| (\d+) \|", PAGE, re.MULTILINE)
    assert shown == [(variable(field.name), str(field.default)) for field in fields(Limits)]

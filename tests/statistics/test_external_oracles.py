"""Agreement coefficients against irrCAC and krippendorff, each in an environment of its own.

Their licences and pins (irrCAC wants scipy 1.12; krippendorff is GPL-3) keep them out of this project's
environment: each is installed into the cache folder of pytest and asked over JSON. The one trap: irrCAC takes
the values that occur for the scale unless it is given `categories`, and rounds to five decimals.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dagster_project.statistics import agreement

pytestmark = pytest.mark.slow

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "golden_examples.json").read_text())
ORACLES = {"irrcac": ["irrCAC==0.4.4", "setuptools<80"], "krippendorff": ["krippendorff==0.9.0"]}
IRRCAC = """
import json, sys
import pandas as pd
from irrCAC.raw import CAC
cases = json.load(sys.stdin)
answers = []
for case in cases:
    frame = pd.DataFrame(list(zip(*case["ratings"])), dtype=float)
    values = [float(rank) for rank in range(case["categories"])]
    answer = {}
    for weights in ("identity", "quadratic"):
        cac = CAC(frame, weights=weights, categories=values, digits=9)
        answer[f"gwet_{weights}"] = float(cac.gwet()["est"]["coefficient_value"])
        answer[f"alpha_{weights}"] = float(cac.krippendorff()["est"]["coefficient_value"])
    answers.append(answer)
print(json.dumps(answers))
"""
KRIPPENDORFF = """
import json, sys
import numpy as np
import krippendorff
answers = []
for case in json.load(sys.stdin):
    ratings = np.array(case["ratings"], dtype=float)
    answers.append({
        metric: float(krippendorff.alpha(
            reliability_data=ratings,
            value_domain=list(range(case["categories"])),
            level_of_measurement=metric,
        ))
        for metric in ("nominal", "ordinal", "interval")
    })
print(json.dumps(answers))
"""


def cases() -> list[dict[str, Any]]:
    """E2 and E12, and random ratings by two to four raters with gaps; every case has some disagreement."""
    table = GOLDEN["E2_ordinal_3x3"]["inp"]
    pairs = [
        (2 - row, 2 - column)
        for row, counts in enumerate(table)
        for column, count in enumerate(counts)
        for _ in range(count)
    ]
    found = [
        {"ratings": [[float(rank) for rank in side] for side in zip(*pairs, strict=True)], "categories": 3},
        {"ratings": GOLDEN["E12_alpha"]["inp"], "categories": 3},
    ]
    draw = np.random.default_rng(20180101)
    for raters, categories, units in [(2, 2, 40), (3, 4, 60), (4, 3, 50)]:
        truth = draw.integers(0, categories, units)
        ratings = np.clip(truth + draw.integers(-1, 2, (raters, units)), 0, categories - 1).astype(float)
        ratings[draw.random((raters, units)) < (0.2 if raters > 2 else 0.0)] = np.nan
        gaps = [[None if np.isnan(rank) else rank for rank in row] for row in ratings.tolist()]
        found.append({"ratings": gaps, "categories": categories})
    return found


def ask(oracle: str, program: str, config: pytest.Config) -> list[dict[str, float]]:
    """What the oracle says of the cases, from its own environment; a skip says why there is none."""
    assert config.cache is not None
    home = config.cache.mkdir(f"oracle-{oracle}")
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        shutil.rmtree(home)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        uv = shutil.which("uv")
        installer = (
            [uv, "pip", "install", "-q", "--python", str(python)]
            if uv
            else [str(python), "-m", "pip", "install", "-q"]
        )
        installed = subprocess.run([*installer, *ORACLES[oracle]], capture_output=True, text=True)
        if installed.returncode != 0:
            pytest.skip(f"{oracle} can't be installed here: {installed.stderr.strip()[-300:]}")
        (home / "ready").touch()
    asked = subprocess.run(
        [str(python), "-c", program], input=json.dumps(cases()), capture_output=True, text=True
    )
    assert asked.returncode == 0, asked.stderr
    answers: list[dict[str, float]] = json.loads(asked.stdout)
    return answers


def ranks(case: dict[str, Any]) -> Any:
    return np.array(case["ratings"], dtype=float)


def test_gwet_and_alpha_are_those_of_irrcac(pytestconfig: pytest.Config) -> None:
    for case, answer in zip(cases(), ask("irrcac", IRRCAC, pytestconfig), strict=True):
        values, categories = ranks(case), case["categories"]
        for weights in ("identity", "quadratic"):
            ours = agreement.gwet_ac_raters(values, categories, weights)
            assert ours == pytest.approx(answer[f"gwet_{weights}"], abs=6e-6), weights
        # irrCAC's "ordinal" is another weighting; its quadratic one is Krippendorff's interval metric.
        for weights, metric in (("identity", "nominal"), ("quadratic", "interval")):
            ours = agreement.krippendorff_alpha(values, categories, metric)
            assert ours == pytest.approx(answer[f"alpha_{weights}"], abs=6e-6), metric


def test_alpha_is_that_of_krippendorff(pytestconfig: pytest.Config) -> None:
    for case, answer in zip(cases(), ask("krippendorff", KRIPPENDORFF, pytestconfig), strict=True):
        for metric in ("nominal", "ordinal", "interval"):
            ours = agreement.krippendorff_alpha(ranks(case), case["categories"], metric)
            assert ours == pytest.approx(answer[metric], abs=1e-9), metric

"""The headline figures in polars, as an analyst would write them who has no warehouse.

The same work as `headlines_pandas.py` under the same terms, with what polars is good at: lazy frames, only
the columns needed, all cores. Call: python -m bench.headlines_polars RAW OUT
"""

import sys
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from bench import figures

SEEDS = Path(__file__).resolve().parent.parent / "dbt" / "seeds"
REQUIRED_FROM = date.fromisoformat(figures.REQUIRED_FROM)


def read(raw: Path, dataset: str, key: list[str], columns: list[str]) -> pl.LazyFrame:
    """The current row of each key: a later extract wins."""
    paths = sorted((raw / dataset).iterdir(), key=lambda path: _delivery(path))
    rows = pl.concat(
        [pl.scan_csv(path, infer_schema=False, null_values=[""]).select(key + columns) for path in paths]
    )
    dates = [name for name in columns if name.endswith(("_on", "_date"))]
    return rows.unique(key, keep="last", maintain_order=True).with_columns(
        pl.col(dates).str.to_date("%Y-%m-%d")
    )


def _delivery(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".csv")[-10:]


def calendar(as_of: date) -> pl.DataFrame:
    """Quarters up to the one of `as_of`, each with the freeze on its 20th working day after the end."""
    frame = pl.DataFrame({"quarter": pl.date_range(date(2014, 10, 1), as_of, "3mo", eager=True)})
    frame = frame.with_columns(quarter_end=pl.col("quarter").dt.offset_by("3mo").dt.offset_by("-1d"))
    holidays = pl.read_csv(SEEDS / "bank_holidays.csv")["holiday_on"].to_numpy().astype("datetime64[D]")
    freeze = np.busday_offset(frame["quarter_end"].to_numpy(), 20, roll="backward", holidays=holidays)
    month, year = pl.col("quarter").dt.month(), pl.col("quarter").dt.year()
    financial = year - (month < 4).cast(pl.Int32)
    return frame.with_columns(
        freeze_on=pl.Series(freeze),
        label=pl.format(
            "{}-{} Q{}",
            financial,
            ((financial + 1) % 100).cast(pl.String).str.zfill(2),
            (month.cast(pl.Int32) + 8) % 12 // 3 + 1,
        ),
    )


def with_nation(rows: pl.DataFrame, test_areas: list[str]) -> pl.DataFrame:
    """Every row once for its Area and, outside test Areas, once for the nation."""
    nation = rows.filter(~pl.col("area_code").is_in(test_areas)).with_columns(area_code=pl.lit("ALL"))
    return pl.concat([rows, nation])


def requirements(raw: Path, quarters: pl.DataFrame, iqas: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """A row for each prosecutor and quarter with a requirement: Area, and whether assessed."""
    spans = quarters.filter(pl.col("quarter") >= REQUIRED_FROM, pl.col("quarter_end") < as_of).select(
        "quarter", "quarter_end"
    )
    posts = read(
        raw,
        "postings",
        ["posting_id"],
        ["staff_id", "grade", "area_code", "role_type", "start_date", "end_date"],
    ).filter(pl.col("grade").is_in(["CP", "SCP"]), pl.col("role_type").is_in(["non_advocacy", "mixed"]))
    held = (
        posts.join(spans.lazy(), how="cross")
        .filter(
            pl.col("start_date") <= pl.col("quarter_end"),
            pl.col("end_date").is_null() | (pl.col("end_date") >= pl.col("quarter")),
        )
        .with_columns(
            first=pl.max_horizontal("start_date", "quarter"),
            last=pl.min_horizontal("end_date", "quarter_end"),
        )
        .sort("staff_id", "quarter", "first", "posting_id")
        # Where two postings overlap, the later one holds the day.
        .with_columns(
            last=pl.min_horizontal(
                "last", pl.col("first").shift(-1).over("staff_id", "quarter").dt.offset_by("-1d")
            )
        )
        .with_columns(days=(pl.col("last") - pl.col("first")).dt.total_days() + 1)
        .collect()
    )
    away = (
        read(raw, "absences", ["absence_id"], ["staff_id", "start_date", "end_date"])
        .with_columns(pl.col("end_date").fill_null(as_of))
        .filter(pl.col("end_date") >= pl.col("start_date"))
        .collect()
    )
    holidays = pl.read_csv(SEEDS / "bank_holidays.csv")["holiday_on"].to_numpy().astype("datetime64[D]")
    working_days = np.busday_count(
        away["start_date"].to_numpy(), away["end_date"].to_numpy() + 1, holidays=holidays
    )
    # Overlapping absences become one.
    away = (
        away.filter(pl.Series(working_days > 10))
        .sort("staff_id", "start_date")
        .with_columns(reached=pl.col("end_date").cum_max().shift().over("staff_id"))
        .with_columns(
            stretch=(pl.col("reached").is_null() | (pl.col("start_date") > pl.col("reached"))).cum_sum()
        )
        .group_by("staff_id", "stretch")
        .agg(away_from=pl.col("start_date").min(), away_to=pl.col("end_date").max())
    )
    lost = (
        held.join(away, on="staff_id")
        .with_columns(
            lost=(
                pl.min_horizontal("last", "away_to") - pl.max_horizontal("first", "away_from")
            ).dt.total_days()
            + 1
        )
        .filter(pl.col("lost") > 0)
        .group_by("posting_id", "quarter")
        .agg(pl.col("lost").sum())
    )
    areas = (
        held.join(lost, on=["posting_id", "quarter"], how="left")
        .group_by("staff_id", "quarter", "quarter_end", "area_code")
        .agg(days=(pl.col("days") - pl.col("lost").fill_null(0)).sum(), last=pl.col("last").max())
        .with_columns(all_days=pl.col("days").sum().over("staff_id", "quarter"))
        .sort(
            ["staff_id", "quarter", "days", "last", "area_code"], descending=[False, False, True, True, False]
        )
        .unique(["staff_id", "quarter"], keep="first", maintain_order=True)
        .filter(pl.col("all_days") >= 0.5 * ((pl.col("quarter_end") - pl.col("quarter")).dt.total_days() + 1))
    )
    done = iqas.select(staff_id="subject_id", quarter="quarter").unique().with_columns(is_covered=True)
    return areas.join(done, on=["staff_id", "quarter"], how="left").select(
        "area_code", "quarter", pl.col("is_covered").fill_null(False)
    )


def compared(rows: pl.LazyFrame, scale: pl.Expr) -> pl.LazyFrame:
    """Add what counts in the leniency figures to rows with `rated`, `reference`, `agrees`, on `scale`."""
    top = pl.when(scale == "MPN").then(2).otherwise(1)

    def ranked(column: str) -> pl.Expr:
        value = pl.col(column)
        return (
            pl.when(value.is_in(["M", "Y"])).then(top).when(value == "P").then(1).when(value == "N").then(0)
        )

    has_reference = pl.col("reference").is_not_null()
    is_bare = ~has_reference & (pl.col("agrees") == "false")
    return (
        rows.with_columns(rank=ranked("rated"), top=top)
        .with_columns(
            given=pl.when(has_reference)
            .then(ranked("reference"))
            .when(pl.col("agrees") == "true")
            .then(pl.col("rank"))
        )
        .with_columns(
            low=pl.when(is_bare).then((pl.col("rank") == 0).cast(pl.Int32)).otherwise("given"),
            high=pl.when(is_bare)
            .then(pl.col("top") - (pl.col("rank") == pl.col("top")).cast(pl.Int32))
            .otherwise("given"),
        )
        .with_columns(
            lenient=(pl.col("rank") > pl.col("high")).fill_null(False),
            harsh=(pl.col("rank") < pl.col("low")).fill_null(False),
            same=((pl.col("rank") == pl.col("low")) & (pl.col("rank") == pl.col("high"))).fill_null(False),
        )
    )


def figures_of(raw: Path) -> figures.Figures:
    """All headline figures of the extracts in `raw`."""
    as_of = date.fromisoformat(max(path.name.split(".")[0][-10:] for path in raw.glob("*/*")))
    quarters = calendar(as_of)
    areas = pl.read_csv(SEEDS / "areas.csv")
    test_areas = areas.filter(pl.col("is_test").cast(pl.String).str.to_lowercase() == "true")[
        "area_code"
    ].to_list()
    iqas = (
        read(
            raw,
            "iqa",
            ["iqa_id"],
            [
                *("assessment_type", "instrument_version", "area_code", "subject_id", "assessed_on"),
                *("overall_rating", "status"),
            ],
        )
        .filter(pl.col("assessment_type") == "casework", pl.col("status") != "withdrawn")
        .sort("assessed_on")
        .collect()
        .join_asof(quarters, left_on="assessed_on", right_on="quarter")
    )
    found: figures.Figures = {}
    for area, quarter, number in (
        with_nation(iqas.select("area_code", "quarter"), test_areas)
        .group_by("area_code", "quarter")
        .len()
        .rows()
    ):
        found["assessed", area, quarter.isoformat()] = (number,)

    required = with_nation(requirements(raw, quarters, iqas, as_of), test_areas)
    for area, quarter, number, covered in (
        required.group_by("area_code", "quarter").agg(pl.len(), pl.col("is_covered").sum()).rows()
    ):
        found["covered", area, quarter.isoformat()] = (number, covered)

    manager = iqas.rename({"overall_rating": "rating_of_manager"})
    dips = (
        read(
            raw,
            "dip_samples",
            ["dip_sample_id"],
            ["iqa_id", "sampled_on", "is_marked", "overall_rating", "comment", "opinion"],
        )
        .join(manager.lazy(), on="iqa_id")
        .filter(
            (pl.col("sampled_on") < date(2022, 10, 3))
            | ((pl.col("is_marked") == "true") & (pl.col("comment").fill_null("").str.strip_chars() != ""))
        )
        .collect()
    )
    valid = dips.filter(pl.col("sampled_on") <= pl.col("freeze_on")).select("iqa_id").unique()
    cells = (
        iqas.join(valid.with_columns(is_dipped=True), on="iqa_id", how="left")
        .filter(pl.col("quarter") >= REQUIRED_FROM, pl.col("quarter_end") < as_of)
        .group_by("area_code", "quarter")
        .agg(required=(pl.len() + 9) // 10, dipped=pl.col("is_dipped").sum())
    )
    for area, quarter, number, dipped in (
        with_nation(cells, test_areas)
        .group_by("area_code", "quarter")
        .agg(pl.col("required").sum(), pl.col("dipped").sum())
        .rows()
    ):
        found["dipped", area, quarter.isoformat()] = (number, dipped)

    views = (
        read(
            raw,
            "reassessments",
            ["reassessment_id"],
            ["inspection_code", "iqa_id", "reassessed_on", "overall_rating", "purpose"],
        )
        .filter(pl.col("purpose") == "inspection")
        .join(manager.lazy(), on="iqa_id")
        .sort("reassessed_on", "reassessment_id")
        .unique(["inspection_code", "iqa_id"], keep="last", maintain_order=True)
        .rename({"inspection_code": "sample", "reassessment_id": "reference_id"})
        .collect()
    )
    dip_answers = read(raw, "dip_sample_answers", ["dip_sample_id", "question_code"], ["answer"]).collect()
    answered = dip_answers.filter(pl.col("answer").is_not_null())["dip_sample_id"].unique().implode()
    dips = (
        dips.with_columns(
            says=pl.col("overall_rating").is_not_null()
            | pl.col("opinion").is_not_null()
            | pl.col("dip_sample_id").is_in(answered)
        )
        .sort("says", "sampled_on", "dip_sample_id")
        .unique("iqa_id", keep="last", maintain_order=True)
        .rename({"label": "sample", "dip_sample_id": "reference_id"})
    )
    wanted = pl.concat([views.select("iqa_id"), dips.select("iqa_id")]).unique()
    answers = read(raw, "iqa_answers", ["iqa_id", "question_code"], ["answer"]).join(
        wanted.lazy(), on="iqa_id", how="semi"
    )
    answers = answers.rename({"answer": "rated"}).collect().lazy()
    seen = read(
        raw, "reassessment_answers", ["reassessment_id", "question_code"], ["agrees", "answer"]
    ).rename({"reassessment_id": "reference_id", "answer": "reference"})
    by_sampler = dip_answers.lazy().rename({"dip_sample_id": "reference_id", "answer": "reference"})
    nothing = pl.lit(None, dtype=pl.String)
    for comparison, references, given in (
        ("manager_v_inspector", views, seen),
        ("manager_v_dip_sampler", dips, by_sampler.with_columns(agrees=nothing)),
    ):
        ratings = references.lazy().with_columns(
            rated="rating_of_manager", reference="overall_rating", agrees=nothing
        )
        by_answer = (
            references.lazy()
            .select("reference_id", "iqa_id", "sample", "area_code", "instrument_version")
            .join(given, on="reference_id")
            .join(answers, on=["iqa_id", "question_code"], how="left")
        )
        scale = pl.when(pl.col("instrument_version") == "CW-2015").then(pl.lit("MPN")).otherwise(pl.lit("YN"))
        for basis, rows in (("iqa", compared(ratings, pl.lit("YN"))), ("answer", compared(by_answer, scale))):
            own = rows.select("sample", "area_code", "lenient", "harsh", "same").collect()
            nation = own.with_columns(area_code=pl.lit("ALL"))
            if comparison == "manager_v_dip_sampler":
                nation = own.filter(~pl.col("area_code").is_in(test_areas)).with_columns(
                    area_code=pl.lit("ALL")
                )
            sums = (
                pl.concat([own, nation])
                .group_by("sample", "area_code")
                .agg(
                    pl.len(),
                    (pl.col("lenient") | pl.col("harsh") | pl.col("same")).sum().alias("compared"),
                    pl.col("lenient").sum(),
                    pl.col("harsh").sum(),
                )
            )
            for sample, area, *counts in sums.rows():
                found["leniency", comparison, sample, basis, area] = tuple(counts)
    return found


if __name__ == "__main__":
    figures.write(figures_of(Path(sys.argv[1])), Path(sys.argv[2]))

"""The headline figures in pandas, as an analyst would write them who has no warehouse.

Fair means: only the columns needed, no loops over rows, dates parsed by format, rows dropped before they
are joined. Left out, to the script's advantage: every rule that refuses a file or a row, spellings of
codes, withheld counts, intervals, and the way back to the source row; so it holds for clean extracts only.

Call: python -m bench.headlines_pandas RAW OUT
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from bench import figures

SEEDS = Path(__file__).resolve().parent.parent / "dbt" / "seeds"
FOREVER = pd.Timestamp("2200-01-01")


def read(raw: Path, dataset: str, key: list[str], columns: list[str]) -> pd.DataFrame:
    """The current row of each key: a later extract wins."""
    parts = [
        pd.read_csv(path, usecols=key + columns, dtype=str, keep_default_na=False, na_values=[""]).assign(
            delivery=path.name.removesuffix(".gz").removesuffix(".csv")[-10:]
        )
        for path in sorted((raw / dataset).iterdir())
    ]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.sort_values("delivery", kind="stable").drop_duplicates(key, keep="last")
    for column in rows.columns:
        if column.endswith(("_on", "_date")):
            rows[column] = pd.to_datetime(rows[column], format="%Y-%m-%d")
    return rows.reset_index(drop=True)


def as_of_date(raw: Path) -> pd.Timestamp:
    """The newest extract's date."""
    names = (path.name.split(".")[0] for path in raw.glob("*/*"))
    return pd.Timestamp(max(name[-10:] for name in names))


def calendar(as_of: pd.Timestamp) -> pd.DataFrame:
    """Quarters up to the one of `as_of`, each with the freeze on its 20th working day after the end."""
    starts = pd.date_range("2014-10-01", as_of, freq="QS")
    ends = starts + pd.offsets.QuarterEnd(0)
    holidays = pd.read_csv(SEEDS / "bank_holidays.csv")["holiday_on"].to_numpy("datetime64[D]")
    year = starts.year - (starts.month < 4)
    label = [
        f"{y}-{(y + 1) % 100:02d} Q{(m - 4) % 12 // 3 + 1}" for y, m in zip(year, starts.month, strict=True)
    ]
    freeze = np.busday_offset(ends.to_numpy("datetime64[D]"), 20, roll="backward", holidays=holidays)
    return pd.DataFrame({"quarter": starts, "quarter_end": ends, "label": label, "freeze_on": freeze})


def with_nation(rows: pd.DataFrame, test_areas: set[str]) -> pd.DataFrame:
    """Every row once for its Area and, outside test Areas, once for the nation."""
    nation = rows[~rows["area_code"].isin(test_areas)].assign(area_code="ALL")
    return pd.concat([rows, nation], ignore_index=True)


def requirements(raw: Path, quarters: pd.DataFrame, iqas: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """A row for each prosecutor and quarter with a requirement: Area, and whether assessed."""
    spans = quarters[(quarters["quarter"] >= figures.REQUIRED_FROM) & (quarters["quarter_end"] < as_of)]
    posts = read(
        raw,
        "postings",
        ["posting_id"],
        ["staff_id", "grade", "area_code", "role_type", "start_date", "end_date"],
    )
    posts = posts[posts["grade"].isin(["CP", "SCP"]) & posts["role_type"].isin(["non_advocacy", "mixed"])]
    held = posts.merge(spans, how="cross")
    held = held[
        (held["start_date"] <= held["quarter_end"]) & (held["end_date"].fillna(FOREVER) >= held["quarter"])
    ].copy()
    held["first"] = held[["start_date", "quarter"]].max(axis=1)
    held["last"] = held[["end_date", "quarter_end"]].min(axis=1)
    held = held.sort_values(["staff_id", "quarter", "first", "posting_id"])
    # Where two postings overlap, the later one holds the day.
    following = held.groupby(["staff_id", "quarter"])["first"].shift(-1) - pd.Timedelta(days=1)
    held["last"] = held[["last"]].assign(following=following).min(axis=1)
    held["days"] = (held["last"] - held["first"]).dt.days + 1

    away = read(raw, "absences", ["absence_id"], ["staff_id", "start_date", "end_date"])
    away["end_date"] = away["end_date"].fillna(as_of)
    away = away[away["end_date"] >= away["start_date"]]
    holidays = pd.read_csv(SEEDS / "bank_holidays.csv")["holiday_on"].to_numpy("datetime64[D]")
    working_days = np.busday_count(
        away["start_date"].to_numpy("datetime64[D]"),
        (away["end_date"] + pd.Timedelta(days=1)).to_numpy("datetime64[D]"),
        holidays=holidays,
    )
    away = away[working_days > 10].sort_values(["staff_id", "start_date"])
    # Overlapping absences become one.
    reached = away.groupby("staff_id")["end_date"].cummax().groupby(away["staff_id"]).shift()
    away["stretch"] = (~(away["start_date"] <= reached)).cumsum()
    away = away.groupby(["staff_id", "stretch"], as_index=False).agg(
        away_from=("start_date", "min"), away_to=("end_date", "max")
    )
    lost = held.merge(away, on="staff_id")
    lost["lost"] = (
        lost[["last", "away_to"]].min(axis=1) - lost[["first", "away_from"]].max(axis=1)
    ).dt.days + 1
    lost = lost[lost["lost"] > 0].groupby(["posting_id", "quarter"])["lost"].sum()
    held = held.join(lost, on=["posting_id", "quarter"])
    held["days"] -= held["lost"].fillna(0)

    areas = held.groupby(["staff_id", "quarter", "quarter_end", "area_code"], as_index=False).agg(
        days=("days", "sum"), last=("last", "max")
    )
    areas["all_days"] = areas.groupby(["staff_id", "quarter"])["days"].transform("sum")
    areas = areas.sort_values(
        ["staff_id", "quarter", "days", "last", "area_code"], ascending=[True, True, False, False, True]
    ).drop_duplicates(["staff_id", "quarter"])
    period_days = (areas["quarter_end"] - areas["quarter"]).dt.days + 1
    areas = areas[areas["all_days"] >= 0.5 * period_days]
    done = iqas[["subject_id", "quarter"]].drop_duplicates().rename(columns={"subject_id": "staff_id"})
    areas = areas.merge(done.assign(is_covered=True), on=["staff_id", "quarter"], how="left")
    return areas.assign(is_covered=areas["is_covered"].notna())


def compared(rows: pd.DataFrame, scale: pd.Series) -> pd.DataFrame:
    """Add what counts in the leniency figures to rows with `rated`, `reference`, `agrees`, on `scale`."""
    ranks = {("MPN", "M"): 2, ("MPN", "P"): 1, ("MPN", "N"): 0, ("YN", "Y"): 1, ("YN", "N"): 0}
    positions = pd.Series(ranks, dtype=float)
    top = scale.map({"MPN": 2.0, "YN": 1.0}).to_numpy()

    def ranked(values: pd.Series) -> np.ndarray:
        return positions.reindex(pd.MultiIndex.from_arrays([scale, values])).to_numpy()

    rated, given = ranked(rows["rated"]), ranked(rows["reference"])
    has_reference = rows["reference"].notna().to_numpy()
    agrees = rows["agrees"].to_numpy()
    given = np.where(has_reference, given, np.where(agrees == "true", rated, np.nan))
    bare = ~has_reference & (agrees == "false")
    low = np.where(bare, np.where(rated == 0, 1.0, 0.0), given)
    high = np.where(bare, np.where(rated == top, top - 1, top), given)
    is_lenient, is_harsh = rated > high, rated < low
    is_same = (rated == low) & (rated == high)
    return rows.assign(
        compared=is_lenient | is_harsh | is_same, lenient=is_lenient, harsh=is_harsh, examined=True
    )


def figures_of(raw: Path) -> figures.Figures:
    """All headline figures of the extracts in `raw`."""
    as_of = as_of_date(raw)
    quarters = calendar(as_of)
    areas = pd.read_csv(SEEDS / "areas.csv")
    test_areas = set(areas.loc[areas["is_test"].astype(str).str.lower() == "true", "area_code"])
    iqas = read(
        raw,
        "iqa",
        ["iqa_id"],
        [
            *("assessment_type", "instrument_version", "area_code", "subject_id", "assessed_on"),
            *("overall_rating", "status"),
        ],
    )
    iqas = iqas[(iqas["assessment_type"] == "casework") & (iqas["status"] != "withdrawn")]
    iqas = pd.merge_asof(iqas.sort_values("assessed_on"), quarters, left_on="assessed_on", right_on="quarter")
    found: figures.Figures = {}

    everywhere = with_nation(iqas, test_areas)
    assessed = everywhere.groupby(["area_code", "quarter"]).size()
    for (area, quarter), number in assessed.items():
        found["assessed", area, f"{quarter:%Y-%m-%d}"] = (int(number),)

    required = with_nation(requirements(raw, quarters, iqas, as_of), test_areas)
    for (area, quarter), rows in required.groupby(["area_code", "quarter"])["is_covered"]:
        found["covered", area, f"{quarter:%Y-%m-%d}"] = (len(rows), int(rows.sum()))

    dips = read(
        raw,
        "dip_samples",
        ["dip_sample_id"],
        ["iqa_id", "sampled_on", "is_marked", "overall_rating", "comment", "opinion"],
    ).merge(iqas, on="iqa_id", suffixes=("", "_of_manager"))
    is_commented = dips["comment"].fillna("").str.strip() != ""
    dips = dips[(dips["sampled_on"] < "2022-10-03") | ((dips["is_marked"] == "true") & is_commented)].copy()
    valid = set(dips.loc[dips["sampled_on"] <= dips["freeze_on"], "iqa_id"])
    iqas["is_dipped"] = iqas["iqa_id"].isin(valid)
    cells = iqas.groupby(["area_code", "quarter", "quarter_end"], as_index=False).agg(
        assessed=("iqa_id", "size"), dipped=("is_dipped", "sum")
    )
    cells["required"] = -(-cells["assessed"] // 10)
    cells = cells[(cells["quarter"] >= figures.REQUIRED_FROM) & (cells["quarter_end"] < as_of)]
    totals = with_nation(cells, test_areas).groupby(["area_code", "quarter"])[["required", "dipped"]].sum()
    for (area, quarter), row in totals.iterrows():
        found["dipped", area, f"{quarter:%Y-%m-%d}"] = (int(row["required"]), int(row["dipped"]))

    views = read(
        raw,
        "reassessments",
        ["reassessment_id"],
        ["inspection_code", "iqa_id", "reassessed_on", "overall_rating", "purpose"],
    )
    views = views[views["purpose"] == "inspection"].merge(iqas, on="iqa_id", suffixes=("", "_of_manager"))
    views = views.sort_values(["reassessed_on", "reassessment_id"]).drop_duplicates(
        ["inspection_code", "iqa_id"], keep="last"
    )
    views = views.rename(columns={"inspection_code": "sample", "reassessment_id": "reference_id"})
    dip_answers = read(raw, "dip_sample_answers", ["dip_sample_id", "question_code"], ["answer"])
    answered = set(dip_answers.loc[dip_answers["answer"].notna(), "dip_sample_id"])
    dips["says"] = (
        dips["overall_rating"].notna() | dips["opinion"].notna() | dips["dip_sample_id"].isin(answered)
    )
    dips = dips.sort_values(["says", "sampled_on", "dip_sample_id"]).drop_duplicates("iqa_id", keep="last")
    dips = dips.rename(columns={"label": "sample", "dip_sample_id": "reference_id"})

    answers = read(raw, "iqa_answers", ["iqa_id", "question_code"], ["answer"])
    answers = answers[answers["iqa_id"].isin(set(views["iqa_id"]) | set(dips["iqa_id"]))]
    seen = read(
        raw, "reassessment_answers", ["reassessment_id", "question_code"], ["agrees", "answer"]
    ).rename(columns={"reassessment_id": "reference_id"})
    dip_answers = dip_answers.rename(columns={"dip_sample_id": "reference_id"}).assign(agrees=None)
    for comparison, references, given in (
        ("manager_v_inspector", views, seen),
        ("manager_v_dip_sampler", dips, dip_answers),
    ):
        ratings = references.assign(
            rated=references["overall_rating_of_manager"], reference=references["overall_rating"], agrees=None
        )
        by_rating = compared(ratings, pd.Series("YN", index=ratings.index))
        by_answer = (
            references[["reference_id", "iqa_id", "sample", "area_code", "instrument_version"]]
            .merge(given.rename(columns={"answer": "reference"}), on="reference_id")
            .merge(answers, on=["iqa_id", "question_code"], how="left")
            .rename(columns={"answer": "rated"})
        )
        scale = by_answer["instrument_version"].map(lambda code: "MPN" if code == "CW-2015" else "YN")
        by_answer = compared(by_answer, scale)
        for basis, rows in (("iqa", by_rating), ("answer", by_answer)):
            nation = (
                rows if comparison == "manager_v_inspector" else rows[~rows["area_code"].isin(test_areas)]
            )
            both = pd.concat([rows, nation.assign(area_code="ALL")])
            sums = both.groupby(["sample", "area_code"])[["examined", "compared", "lenient", "harsh"]].sum()
            for (sample, area), row in sums.iterrows():
                found["leniency", comparison, sample, basis, area] = tuple(int(value) for value in row)
    return found


if __name__ == "__main__":
    figures.write(figures_of(Path(sys.argv[1])), Path(sys.argv[2]))

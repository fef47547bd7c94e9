"""The figures a run ends with, as sentences.

Here: reading a few cells of the marts and writing them out. No statistics: every number is in a mart. The one
trap: rounding. Percentages are rounded half up from integer counts, because neither DuckDB nor Python rounds
ties as the published figures do.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import duckdb


@dataclass(frozen=True)
class Headline:
    """One figure: its key, the sentence, the numbers in it, and whether it comes from made-up data."""

    key: str
    sentence: str
    values: dict[str, object]
    is_synthetic: bool

    @property
    def text(self) -> str:
        """The sentence, labelled where the data is made up."""
        return f"{self.sentence} [synthetic data]" if self.is_synthetic else self.sentence


def percent(numerator: int, denominator: int) -> str:
    """`53, 439` -> `12.1%`: half up to one decimal, in integers, also below zero."""
    if denominator == 0:
        return "no rate (nothing to count)"
    sign = "-" if (numerator < 0) != (denominator < 0) and numerator != 0 else ""
    top, bottom = abs(numerator), abs(denominator)
    tenths = (2000 * top + bottom) // (2 * bottom)
    return f"{sign}{tenths // 10}.{tenths % 10}%"


def percent_of_rate(rate: float) -> str:
    """A stored rate as a percentage, for rates that are no ratio of two counts (capped sums)."""
    return f"{(Decimal(str(round(rate, 12))) * 100).quantize(Decimal('0.1'), ROUND_HALF_UP)}%"


def headlines(connection: duckdb.DuckDBPyConnection, schema: str = "warehouse.marts") -> list[Headline]:
    """The headline figures of the candidate `connection` has attached as `warehouse`.

    A mart without the row a headline needs gives no headline; that it must be there is the gate's business.
    """
    return [
        *_inspections(connection, schema),
        *_compliance(connection, schema),
        *_dips(connection, schema),
    ]


def _inspections(connection: duckdb.DuckDBPyConnection, schema: str) -> list[Headline]:
    rows = connection.execute(
        f"""
        select
            leniency.sample,
            leniency.n_examined,
            leniency.n_compared,
            leniency.n_lenient,
            leniency.n_harsh,
            cast(round(leniency.rated_score * leniency.n_compared) as bigint) as rated_met,
            cast(round(leniency.reference_score * leniency.n_compared) as bigint) as reference_met,
            inspections.is_synthetic,
            leniency.assessment_type
        from {schema}.leniency as leniency
        inner join warehouse.seeds.inspections as inspections
            on leniency.sample = inspections.inspection_code
        where
            leniency.comparison = 'manager_v_inspector'
            and leniency.basis = 'iqa'
            and leniency.dimension = 'overall'
            and leniency.assessment_type = 'casework'
            and leniency.n_compared > 0
        order by inspections.fieldwork_from, leniency.sample
        """
    ).fetchall()
    found = []
    for sample, examined, compared, lenient, harsh, rated, reference, is_synthetic, kind in rows:
        gap = rated - reference
        relative = f", {_relative(gap, reference)} in relative terms" if reference else ""
        found.append(
            Headline(
                key=f"leniency.{sample}",
                sentence=(
                    f"{sample} ({kind}): managers were overly lenient in {percent(lenient, compared)} of"
                    f" assessments ({lenient} of n = {compared}; {examined} examined,"
                    f" {examined - compared} not comparable); managers {percent(rated, compared)}, inspectors"
                    f" {percent(reference, compared)}: {_points(gap, compared)} percentage points{relative}."
                ),
                values={
                    "sample": sample,
                    "n_examined": examined,
                    "n_compared": compared,
                    "n_not_comparable": examined - compared,
                    "n_lenient": lenient,
                    "n_harsh": harsh,
                    "lenient_pct": percent(lenient, compared),
                    "gap_points": _points(gap, compared),
                    "gap_relative_pct": percent(gap, reference),
                },
                is_synthetic=bool(is_synthetic),
            )
        )
    return found


def _points(gap: int, compared: int) -> str:
    return percent(gap, compared).removesuffix("%")


def _relative(gap: int, reference: int) -> str:
    return f"{percent(abs(gap), reference)} {'higher' if gap >= 0 else 'lower'}"


def _compliance(connection: duckdb.DuckDBPyConnection, schema: str) -> list[Headline]:
    row = connection.execute(
        f"""
        select period_label, prosecutors_covered, prosecutors_required, iqas_assessed
        from {schema}.compliance
        where
            level = 'national'
            and period_type = 'quarter'
            and assessment_type = 'casework'
            and policy = {_policy_text("requirement_default_policy")}
            and prosecutors_required > 0
        order by period_start desc
        limit 1
        """
    ).fetchone()
    if row is None:
        return []
    label, covered, required, assessed = row
    return [
        Headline(
            key="compliance.national",
            sentence=(
                f"Compliance, England and Wales, {label}: {percent(covered, required)} of prosecutors covered"
                f" ({covered:,} of {required:,} required; {assessed:,} casework assessments)."
            ),
            values={
                "period_label": label,
                "prosecutors_covered": covered,
                "prosecutors_required": required,
                "iqas_assessed": assessed,
                "coverage_pct": percent(covered, required),
            },
            is_synthetic=_national_is_synthetic(connection),
        )
    ]


def _dips(connection: duckdb.DuckDBPyConnection, schema: str) -> list[Headline]:
    row = connection.execute(
        f"""
        select
            period_label, dips_valid, dips_required, fulfilment_rate, areas_met, areas_with_iqas
        from {schema}.dip_sampling
        where
            level = 'national'
            and period_type = 'quarter'
            and assessment_type = 'casework'
            and dips_required > 0
        order by period_start desc
        limit 1
        """
    ).fetchone()
    if row is None:
        return []
    label, valid, required, rate, met, areas = row
    fulfilment = "not known" if rate is None else percent_of_rate(rate)
    return [
        Headline(
            key="dip_sampling.national",
            sentence=(
                f"Dip samples, England and Wales, {label}: {fulfilment} of the requirement fulfilled, each"
                f" Area capped ({valid:,} valid dips, {required:,} required; {met} of {areas} Areas met it)."
            ),
            values={
                "period_label": label,
                "dips_valid": valid,
                "dips_required": required,
                "fulfilment_pct": fulfilment,
                "areas_met": met,
                "areas_with_iqas": areas,
            },
            is_synthetic=_national_is_synthetic(connection),
        )
    ]


def _policy_text(key: str) -> str:
    return f"(select policy_text from warehouse.seeds.policies where policy_key = '{key}')"


def _national_is_synthetic(connection: duckdb.DuckDBPyConnection) -> bool:
    """Made up, as far as anybody can tell: the public demo key, or a synthetic inspection of real Areas."""
    row = connection.execute(
        """
        select
            coalesce((select bool_or(is_demo_key) from warehouse.raw.run_context), false)
            or exists (
                select 1
                from warehouse.raw.reassessments as reassessments
                inner join warehouse.seeds.inspections as inspections
                    on reassessments.inspection_code = inspections.inspection_code
                inner join warehouse.raw.iqa as iqa
                    on reassessments.iqa_id = iqa.iqa_id
                inner join warehouse.seeds.areas as areas
                    on iqa.area_code = areas.area_code
                where inspections.is_synthetic and not areas.is_test
            )
        """
    ).fetchone()
    return bool(row and row[0])

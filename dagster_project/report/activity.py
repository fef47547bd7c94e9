"""Sections on what was done: assessments, dip samples, the place among Areas, month by month.

Here: which figures stand in these sections, and the sentence each chart comes with. Not here: how a chart is
drawn. The trap: an Area outside a funnel's limits is not worse than another one, and Areas are never ranked;
the sentences name who is outside, in the usual order of Areas, and nothing more.
"""

from collections.abc import Sequence

from dagster_project.report import charts
from dagster_project.report.blocks import Chart, Passage, Section, Table, numbers_from
from dagster_project.report.figures import NATIONAL, Figures
from dagster_project.report.values import (
    NOT_AVAILABLE,
    WITHHELD,
    Row,
    counted,
    listed,
    long_date,
    month_name,
    number,
    percent,
    sentence_case,
    short_span,
    signed_points,
    span,
)

_CONTROL_ORDER = ("met_rate", "comment_presence", "lenient_rate", "dips_recorded", "iqas_assessed")
_KIND_WORDS = {
    "improvement": "improvement",
    "concern": "concern",
    "neither_low": "unusually low",
    "neither_high": "unusually high",
}


def compliance_section(figures: Figures, area_code: str) -> Section:
    """Prosecutors covered by quarter; advocacy by year."""
    rows = figures.quarterly("compliance", area_code)
    nation = {row["period_start"]: row for row in figures.quarterly("compliance", NATIONAL)}
    blocks: list[Chart | Passage] = []
    if rows:
        finding = _coverage_finding(rows)
        header = [
            "Quarter",
            "Coverage (%)",
            "95% interval",
            "Prosecutors covered",
            "Prosecutors required",
            "Assessments done",
            "Assessments for each required",
            "Status",
        ]
        if area_code != NATIONAL:
            header.insert(3, "England and Wales (%)")
        table = []
        for row in rows:
            line = [
                span(row["period_start"], row["period_end"]),
                row.percent("coverage_rate"),
                row.interval("coverage_low", "coverage_high"),
                row.count("prosecutors_covered"),
                row.count("prosecutors_required"),
                row.count("iqas_assessed"),
                _ratio(row, "volume_ratio"),
                f"{row.status} {row.marks}".strip(),
            ]
            if area_code != NATIONAL:
                whole = nation.get(row["period_start"])
                line.insert(3, whole.percent("coverage_rate") if whole else NOT_AVAILABLE)
            table.append(line)
        blocks.append(
            Chart(
                chart_id="compliance-chart",
                heading="Prosecutors covered by quarter",
                finding=finding,
                drawing=charts.over_time(
                    [
                        charts.TimePoint(
                            short_span(row["period_start"], row["period_end"]),
                            row["coverage_rate"],
                            row.percent("coverage_rate"),
                            row["coverage_low"],
                            row["coverage_high"],
                        )
                        for row in rows
                    ],
                    alt=f"Line chart of prosecutor coverage by quarter. {finding}",
                    chart_id="compliance-chart",
                ),
                key="Points are the share of required prosecutors with at least one casework assessment "
                "in the "
                "quarter. Bars are 95% intervals. The scale need not start at zero.",
                table=Table(
                    "Prosecutors covered by a casework assessment, by quarter",
                    header,
                    table,
                    numbers_from(1, len(header) - 1),
                ),
            )
        )
    years = figures.advocacy_years(area_code)
    if years:
        blocks.append(_advocacy(years))
    return Section(
        "compliance",
        "Are the assessments being done?",
        "Each prosecutor who is required to be assessed should have at least one casework assessment every "
        "quarter. Coverage counts prosecutors, so a second assessment of one can't hide a gap for another.",
        blocks or [_nothing("compliance-none")],
    )


def _coverage_finding(rows: Sequence[Row]) -> str:
    last = rows[-1]
    period = span(last["period_start"], last["period_end"])
    if last["coverage_rate"] is None:
        absent = "withheld" if last.is_withheld("coverage_rate") else "not available"
        first = f"Coverage in {period} is {absent}."
    else:
        first = (
            f"In {period}, {last.count('prosecutors_covered')} of {last.count('prosecutors_required')} "
            f"required"
            f" prosecutors ({percent(last['coverage_rate'])}) had at least one casework assessment"
        )
        before = rows[-2]["coverage_rate"] if len(rows) > 1 else None
        if before is not None:
            first += f", {signed_points(last['coverage_rate'] - before)} on the quarter before"
        first += "."
    known = [row["coverage_rate"] for row in rows if row["coverage_rate"] is not None]
    if len(known) < 2:
        return first
    return (
        f"{first} Over the {len(known)} quarters with a published figure it lay between"
        f" {percent(min(known))} and {percent(max(known))}."
    )


def _ratio(row: Row, column: str) -> str:
    value = row[column]
    return row.absence(column) if value is None else f"{value:.2f}"


def _advocacy(years: Sequence[Row]) -> Passage:
    lines = []
    for row in years:
        is_over = row["capped_rate"] is not None or row.is_withheld("capped_rate")
        lines.append(
            [
                row.text("period_label"),
                "Year complete" if is_over else "Expected so far",
                row.percent("capped_rate" if is_over else "on_track_rate"),
                row.count("capped_num" if is_over else "on_track_num"),
                row.count("capped_den" if is_over else "on_track_den"),
                f"{row.status} {row.marks}".strip(),
            ]
        )
    latest = lines[0]
    what = "of the assessments expected by now" if latest[1] == "Expected so far" else "of those required"
    said = (
        f"In {latest[0]}, {latest[2]} {what} were done ({latest[3]} of {latest[4]})."
        if "%" in latest[2]
        else f"The figure for {latest[0]} is {_absence_words(latest[2])}."
    )
    return Passage(
        "advocacy",
        "Advocacy assessments by financial year",
        [said, "Advocates need two assessments a year; nobody counts for more than is required of them."],
        Table(
            "Advocacy assessments done of those required, by financial year",
            ["Financial year", "Measured against", "Done (%)", "Done", "Required", "Status"],
            lines,
            frozenset({2, 3, 4}),
        ),
    )


def dips_section(figures: Figures, area_code: str) -> Section:
    """Dip samples by quarter against the requirement."""
    rows = figures.quarterly("dip_sampling", area_code)
    is_national = area_code == NATIONAL
    blocks: list[Chart | Passage] = []
    if rows:
        finding = _dip_finding(rows, is_national)
        header = [
            "Quarter",
            "Fulfilment (%)",
            "Valid dip samples",
            "Required",
            "Assessments done",
            "Valid dip rate (%)",
            "Challenge rate (%)",
            "Median days to the dip",
            "Status",
        ]
        lines = [
            [
                span(row["period_start"], row["period_end"]),
                row.percent("fulfilment_rate"),
                row.count("dips_valid"),
                row.count("dips_required"),
                row.count("iqas_assessed"),
                row.percent("raw_rate"),
                row.percent("challenge_rate"),
                row.count("median_lag_days"),
                f"{row.status} {row.marks}".strip(),
            ]
            for row in rows
        ]
        blocks.append(
            Chart(
                chart_id="dips-chart",
                heading="Dip samples done of those required, by quarter",
                finding=finding,
                drawing=charts.over_time(
                    [
                        charts.TimePoint(
                            short_span(row["period_start"], row["period_end"]),
                            row["fulfilment_rate"],
                            row.percent("fulfilment_rate"),
                        )
                        for row in rows
                    ],
                    alt=f"Line chart of dip-sample fulfilment by quarter, with the requirement at 100%. "
                    f"{finding}",
                    chart_id="dips-chart",
                    target=1.0,
                    target_text="Requirement: 100%",
                ),
                key="Fulfilment is valid dip samples for every one required. "
                + (
                    "No Area counts for more than its own requirement, so a surplus in one can't hide a "
                    "gap in "
                    "another. "
                    if is_national
                    else "It passes 100% where more were done than required. "
                )
                + f"{WITHHELD} stands where a figure is withheld.",
                table=Table(
                    "Dip samples of casework assessments, by quarter", header, lines, numbers_from(1, 8)
                ),
            )
        )
    year = figures.twelve_months("dip_sampling", area_code)
    if year is not None:
        blocks.append(_dip_year(year))
    return Section(
        "dip-samples",
        "Are enough assessments dip sampled?",
        "A tenth of the assessments of each Area, quarter and type, rounded up, must be dip sampled. A "
        "dip sample "
        "is valid when it is marked, has a comment and was done before the quarter was frozen.",
        blocks or [_nothing("dips-none")],
    )


def _dip_finding(rows: Sequence[Row], is_national: bool) -> str:
    last = rows[-1]
    period = span(last["period_start"], last["period_end"])
    if last["fulfilment_rate"] is None:
        first = (
            f"The fulfilment for {period} is {_absence_words(last.absence('fulfilment_rate'))};"
            f" {counted(last['dips_required'] or 0, 'dip sample')}"
            f" {'was' if last['dips_required'] == 1 else 'were'} required."
        )
    elif is_national:
        first = (
            f"In {period}, {percent(last['fulfilment_rate'])} of the requirement was fulfilled"
            f" ({last.count('fulfilment_num')} of {last.count('fulfilment_den')} dip samples, each Area "
            f"counted up"
            " to its own requirement)."
        )
    else:
        verdict = "The requirement was met" if last["is_met"] else "The requirement was not met"
        if last["is_met"] is None:
            verdict = "Whether the requirement was met is withheld"
        first = (
            f"{verdict} in {period}: {last.count('dips_valid')} valid dip samples, "
            f"{last.count('dips_required')}"
            f" required ({percent(last['fulfilment_rate'])})."
        )
    withheld = sum(row.is_withheld("fulfilment_rate") for row in rows)
    if withheld and not (withheld == 1 and rows[-1].is_withheld("fulfilment_rate")):
        first += f" The figure is withheld for {withheld} of the {len(rows)} quarters shown."
    return first


def _dip_year(row: Row) -> Passage:
    measures = [
        ("Valid dip samples", row.count("dips_valid")),
        ("Dip samples required", row.count("dips_required")),
        ("Fulfilment", row.percent("fulfilment_rate")),
        ("Assessments with a valid dip sample", row.percent("raw_rate")),
        ("Dip samples that are marked and commented", row.percent("valid_share")),
        ("Assessors with at least one assessment dip sampled", row.percent("assessor_reach_rate")),
        ("Dip samples that took another view than the manager", row.percent("challenge_rate")),
        ("Median days from assessment to dip sample", row.count("median_lag_days")),
    ]
    period = span(row["period_start"], row["period_end"])
    told = "withheld" if row.is_withheld("challenge_rate") else row.percent("challenge_rate")
    return Passage(
        "dips-year",
        f"Twelve months: {period}",
        [
            f"{row.count('dips_required')} dip samples were required over the twelve months. The share of dip"
            f" samples in which the sampler took another view than the manager is {told}."
        ],
        Table(
            f"Dip samples of casework assessments, {period}",
            ["Measure", "Figure"],
            [[name, value] for name, value in measures],
            frozenset({1}),
        ),
    )


def funnel_section(figures: Figures, area_code: str) -> Section:
    """Where Areas stand between the limits that chance alone would keep them in."""
    blocks: list[Chart | Passage] = []
    points, limits = figures.funnel("coverage_rate")
    if limits:
        period = span(limits[0]["period_start"], limits[0]["period_end"])
        blocks += _funnel_chart(
            "coverage-funnel",
            f"Prosecutors covered, by Area, {period}",
            "coverage",
            points,
            limits,
            area_code,
            "Requirements (one for each prosecutor and quarter)",
        )
    if figures.inspections:
        inspection = figures.inspections[0]
        points, limits = figures.funnel("lenient_answer_rate", sample=inspection.code)
        if limits:
            blocks += _funnel_chart(
                "leniency-funnel",
                f"Answers marked above the inspector, by Area, {inspection.name}",
                "the share of answers marked above the inspector",
                points,
                limits,
                area_code,
                "Answers compared",
            )
    return Section(
        "areas",
        "How do Areas compare?" if area_code == NATIONAL else "Where does this Area stand among the others?",
        "A funnel shows how far an Area may lie from the rate of all Areas before it stands out, given how "
        "many cases "
        "it has. An Area inside the limits is not shown to differ. Areas are not ranked.",
        blocks or [_nothing("funnel-none")],
    )


def _funnel_chart(
    chart_id: str,
    heading: str,
    subject: str,
    points: Sequence[Row],
    limits: Sequence[Row],
    area_code: str,
    across: str,
) -> list[Chart | Passage]:
    shown = [row for row in points if row["value"] is not None and row["n"]]
    if not shown:
        return [
            Passage(
                f"{chart_id}-none", heading, ["The figures of all Areas are withheld here, so none is drawn."]
            )
        ]
    own = next((row for row in points if row["area_code"] == area_code), None)
    finding = _funnel_finding(subject, points, shown, own, area_code)
    drawn = [
        charts.FunnelPoint(
            row["area_name"],
            row["n"],
            row["value"],
            row["adjusted_funnel_place"] or "inside",
            row["area_code"] == area_code,
        )
        for row in shown
    ]
    curves = [
        charts.FunnelLimit(
            row["n"],
            row["adjusted_low_95"],
            row["adjusted_high_95"],
            row["adjusted_low_998"],
            row["adjusted_high_998"],
        )
        for row in limits
        if row["adjusted_low_95"] is not None
    ]
    header = ["Area", "Rate (%)", "Numerator", "Cases", "Place", "Flagged"]
    lines = [
        [
            row["area_name"],
            row.percent("value"),
            row.count("value_num"),
            row.count("n"),
            _place_words(row),
            row.absence("is_flagged") if row["is_flagged"] is None else "Yes" if row["is_flagged"] else "No",
        ]
        for row in sorted(points, key=lambda row: str(row["area_name"]))
    ]
    return [
        Chart(
            chart_id=chart_id,
            heading=heading,
            finding=finding,
            drawing=charts.funnel(
                drawn,
                curves,
                centre=limits[0]["centre_rate"],
                alt=f"Funnel plot. {finding}",
                chart_id=chart_id,
                across=across,
            ),
            key="Circles are Areas inside the limits, squares outside the 95% limits, diamonds outside "
            "the 99.8% "
            "limits. The middle line is the rate of all Areas. Limits allow for Areas differing more than "
            "chance "
            "alone would have it. One Area in 20 lies outside the 95% limits by chance."
            + ("" if curves else " The limits are not drawn: they would give withheld figures away."),
            table=Table(heading, header, lines, frozenset({1, 2, 3})),
        )
    ]


def _funnel_finding(
    subject: str, points: Sequence[Row], shown: Sequence[Row], own: Row | None, area_code: str
) -> str:
    far = [row for row in shown if row["adjusted_funnel_place"] == "outside_998"]
    off = [row for row in shown if row["adjusted_funnel_place"] == "outside_95"]
    hidden = len(points) - len(shown)
    said = []
    if area_code != NATIONAL:
        if own is None:
            said.append("This Area has no figure here.")
        elif own["value"] is None:
            said.append(f"The figure of {own['area_name']} is {_absence_words(own.absence('value'))}.")
        else:
            said.append(
                f"For {subject}, {own['area_name']} ({percent(own['value'])}) lies {_place_words(own)},"
                f" beside {own.percent('centre_rate')} for all Areas."
            )
    elif not far and not off:
        said.append(
            f"For {subject}, no Area {'with a published figure ' if hidden else ''}lies outside the limits:"
            " none is shown to differ from the others."
        )
    else:
        said.append(_outside(subject, far, off))
    if hidden:
        said.append(
            f"{sentence_case(counted(hidden, 'Area'))} {'is' if hidden == 1 else 'are'} not drawn because "
            f"the figure"
            " is withheld."
        )
    return " ".join(said)


def _outside(subject: str, far: Sequence[Row], off: Sequence[Row]) -> str:
    parts = []
    for some, limit in ((far, "99.8%"), (off, "95%")):
        for side in ("above", "below", "outside"):
            names = sorted(row["area_name"] for row in some if _side(row) == side)
            if names:
                verb = "lies" if len(names) == 1 else "lie"
                parts.append(f"{listed(names)} {verb} {side} the {limit} limit")
    return f"For {subject}, {'; '.join(parts)}."


def _place_words(row: Row) -> str:
    place = row["adjusted_funnel_place"]
    if place is None:
        return row.absence("adjusted_funnel_place")
    if place == "inside":
        return "inside the limits"
    return f"{_side(row)} the {'99.8%' if place == 'outside_998' else '95%'} limit"


def _side(row: Row) -> str:
    """The side of the centre on which an Area outside the limits lies."""
    if row["value"] is None or row["centre_rate"] is None:
        return "outside"
    return "above" if row["value"] > row["centre_rate"] else "below"


def control_section(figures: Figures, area_code: str) -> Section:
    """Month by month, against the limits of usual variation."""
    found = figures.control_charts(area_code)
    blocks: list[Chart | Passage] = []
    unseen = []
    for metric in sorted(found, key=_control_rank):
        months = found[metric]
        if sum(row["value"] is not None for row in months) * 2 < len(months):
            unseen.append(str(months[-1]["metric_name"]).lower())
        else:
            blocks.append(_control_chart(metric, months))
    if unseen:
        blocks.append(
            Passage(
                "control-unseen",
                "Charts that are not drawn",
                [f"Most months are withheld or empty for: {listed(unseen)}."],
            )
        )
    return Section(
        "month-by-month",
        "Is anything changing from month to month?",
        "A control chart separates usual variation from a signal. Months inside the limits, without a run "
        "or a "
        "trend, are common cause: they call for no explanation.",
        blocks or [_nothing("control-none")],
    )


def _control_rank(metric: str) -> tuple[int, str]:
    is_known = metric in _CONTROL_ORDER
    return (_CONTROL_ORDER.index(metric) if is_known else len(_CONTROL_ORDER), metric)


def _control_chart(metric: str, months: Sequence[Row]) -> Chart:
    is_rate = months[0]["metric_unit"] == "rate"
    finding = _control_finding(months, is_rate)
    chart_id = f"control-{metric.replace('_', '-')}"

    def shown(row: Row, column: str) -> str:
        return row.percent(column) if is_rate else row.count(column)

    return Chart(
        chart_id=chart_id,
        heading=f"{months[0]['metric_name']}, by month",
        finding=finding,
        drawing=charts.control_chart(
            [
                charts.ControlPoint(
                    month_name(row["month"]),
                    row["value"],
                    row["variation"] or "",
                    row["centre_line"],
                    row["limit_low"],
                    row["limit_high"],
                    row["phase"] or 0,
                )
                for row in months
            ],
            is_rate=is_rate,
            alt=f"Control chart. {finding}",
            chart_id=chart_id,
        ),
        key="Full grey circles are common cause, blue diamonds improvement, orange squares concern, "
        "triangles a signal that is neither; hollow circles are not judged. The middle line is the mean; the "
        "outer lines are the limits of usual variation.",
        table=Table(
            f"{months[0]['metric_name']}, by month",
            ["Month", "Figure", "Mean", "Lower limit", "Upper limit", "Variation"],
            [
                [
                    month_name(row["month"]),
                    shown(row, "value"),
                    shown(row, "centre_line"),
                    shown(row, "limit_low"),
                    shown(row, "limit_high"),
                    row.absence("variation")
                    if row["variation"] is None
                    else sentence_case(_KIND_WORDS.get(row["variation"], "common cause")),
                ]
                for row in months
            ],
            frozenset({1, 2, 3, 4}),
        ),
    )


def _control_finding(months: Sequence[Row], is_rate: bool) -> str:
    known = [row for row in months if row["value"] is not None]
    last = known[-1]
    value = percent(last["value"]) if is_rate else number(last["value"])
    latest = f"The latest figure is {value} ({month_name(last['month'])})."
    judged = [row for row in months if row["is_special_cause"] is not None]
    if not judged:
        return f"{latest} Limits can't be shown: a count they are worked out from is withheld."
    signals = [row for row in judged if row["is_special_cause"]]
    if not signals:
        return f"{latest} No month is out of the ordinary: the figure moves no more than it usually does."
    by_kind: dict[str, list[str]] = {}
    for row in signals:
        by_kind.setdefault(_KIND_WORDS.get(row["variation"], "a signal"), []).append(month_name(row["month"]))
    told = "; ".join(f"{kind} in {_months(names)}" for kind, names in by_kind.items())
    verb = "shows" if len(signals) == 1 else "show"
    return (
        f"{latest} {sentence_case(counted(len(signals), 'month'))} of {len(judged)} {verb} a signal: {told}."
    )


def _months(names: list[str]) -> str:
    return listed(names) if len(names) <= 4 else f"{len(names)} months, the last {names[-1]}"


def _absence_words(mark: str) -> str:
    return {WITHHELD: "withheld", NOT_AVAILABLE: "not available"}.get(mark, "not applicable")


def _nothing(passage_id: str) -> Passage:
    return Passage(passage_id, "No figures", ["This release holds no figures for this section."])


def reporting_dates(figures: Figures) -> str:
    """The window that a page covers, in words."""
    if not figures.quarters:
        return f"Facts up to {long_date(figures.as_of)}."
    return (
        f"Quarters from {span(*figures.quarters[0])} to {span(*figures.quarters[-1])}, with facts up to"
        f" {long_date(figures.as_of)}."
    )

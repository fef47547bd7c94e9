"""Hand-made marts that satisfy every expectation, for tests to spoil one value at a time."""

import duckdb

STANDARD = (
    "'20241028T101500Z-abcdef' as release_id, date '2024-10-28' as as_of, '1' as metric_version, "
    "'R2021' as regime, level, area_code, area_name, unit_type, "
    "'P' as figure_status, 'ok' as reliability, false as is_suppressed, "
    "null::varchar as suppressed_columns, null::varchar as null_reason"
)
QUARTER = (
    "'quarter' as period_type, '2024-25 Q1 (Apr-Jun 2024)' as period_label, "
    "date '2024-04-01' as period_start, date '2024-06-30' as period_end"
)
NO_PERIOD = (
    "null::varchar as period_type, null::varchar as period_label, "
    "null::date as period_start, null::date as period_end"
)
PLACES = (
    "(values ('national', 'ALL', 'England and Wales', 'ALL'), ('area', 'EM', 'East Midlands', 'ALL'), "
    "('unit', 'EM', 'East Midlands', 'CC')) as places(level, area_code, area_name, unit_type)"
)


def make_marts() -> duckdb.DuckDBPyConnection:
    """A connection with a database `warehouse` attached that holds four marts and their extracts."""
    connection = duckdb.connect()
    connection.execute("attach ':memory:' as warehouse")
    for schema in ("raw", "seeds", "marts"):
        connection.execute(f"create schema warehouse.{schema}")
    for name, sql in {
        "raw.iqa": "select 'IQA1' as iqa_id, 'EM' as area_code, 'casework' as assessment_type, "
        "date '2024-05-02' as assessed_on, 'closed' as status",
        "raw.reassessments": "select 'IQA1' as iqa_id, 'REF2024' as inspection_code, 'inspection' as purpose",
        "raw.iqa_answers": "select 'IQA1' as iqa_id, 'Little analysis' as comment",
        "raw.dip_samples": "select 'IQA1' as iqa_id, date '2024-05-20' as sampled_on, true as is_marked, "
        "'Fair' as comment",
        "seeds.policies": "from (values ('answer_comments_from', '2022-10-03'), "
        "('dip_comment_rule_from', '2022-10-03')) as policies(policy_key, policy_text)",
        "marts.dim_area": "select 'EM' as area_code",
        "marts.dim_theme": "select 'CR-T01' as theme_code",
        "marts.compliance": f"select {STANDARD}, {QUARTER}, 'casework' as assessment_type, policy, "
        "12 as iqas_assessed, "
        "10 as iqas_required, 1.2::double as volume_ratio, 1.0::double as volume_ratio_required_only, "
        "case policy when 'pro_rata' then 9.5 else 10 end::double as prosecutors_required, "
        "9::double as prosecutors_covered, 0.9::double as coverage_rate, 0.6::double as coverage_low, "
        "0.98::double as coverage_high, 0.9::double as capped_rate, 1 as missed_twice, "
        "0.1::double as missed_twice_rate, 3 as assessors_active, 4 as assessors_expected, "
        "0.75::double as assessor_coverage_rate, 0.0::double as themed_share, "
        "0.1::double as late_closed_share "
        f"from {PLACES} cross join (values ('strict'), ('half'), ('pro_rata')) as policies(policy)",
        "marts.dip_sampling": f"select {STANDARD}, {QUARTER}, 'casework' as assessment_type, "
        "12 as iqas_assessed, "
        "if(level = 'unit', null, 2) as dips_required, 2 as dips_valid, 0 as dips_invalid, "
        "1.0::double as fulfilment_rate, 1.0::double as fulfilment_uncapped_rate, 0 as dips_late, "
        "0 as dips_repeat, 2 as dips_activity, true as is_met, 2 / 12 as raw_rate, 1 as areas_met, "
        "1 as areas_with_iqas, 1.0::double as valid_share, 4 as assessors_with_iqas, 2 as assessors_reached, "
        "0.5::double as assessor_reach_rate, 6.5::double as median_lag_days, 0.0::double as challenge_rate, "
        f"0.77::double as zero_challenge_p from {PLACES}",
        "marts.leniency": f"select {STANDARD}, {NO_PERIOD}, comparison, "
        "'REF2024' as sample, 'casework' as assessment_type, basis, dimension, dimension_value, "
        "444 as n_examined, 439 as n_compared, 53 as n_lenient, 6 as n_harsh, 380 as n_agree, "
        "5 as n_na_mismatch, 0 as n_unknown_direction, 53 / 439 as lenient_rate, "
        "0.093::double as lenient_low, "
        "0.155::double as lenient_high, 6 / 439 as harsh_rate, 47 / 439 as net_leniency, "
        "376 / 439 as rated_score, 329 / 439 as reference_score, 47 / 439 as gap_points, "
        "0.07::double as gap_points_low, 0.14::double as gap_points_high, 1 / 7 as gap_relative, "
        "0.09::double as gap_relative_low, 0.19::double as gap_relative_high, "
        "53 / 110 as lenient_given_fail, "
        "53 / 439 as shrunk_rate, 0.09::double as shrunk_low, 0.15::double as shrunk_high, "
        "380 / 439 as agreement_rate, 0.58::double as kappa, 0.8::double as ac1, 1e-10::double as p_value, "
        f"1e-9::double as q_value from {PLACES} cross join "
        "(values ('manager_v_inspector', 'iqa', 'overall', 'ALL'), "
        "('manager_v_inspector', 'answer', 'question', 'CW01'), "
        "('manager_v_dip_sampler', 'iqa', 'area', 'EM')) "
        "as cuts(comparison, basis, dimension, dimension_value) where level = 'national'",
        "marts.themes": f"select {STANDARD}, {QUARTER}, 'casework' as assessment_type, "
        "'charging_and_review' as question_category, 'CR-T01' as theme_code, "
        "'weak case analysis' as theme_name, "
        "false as is_good_practice, 6 as iqas_with_theme, 12 as iqas_eligible, 0.5::double as theme_rate, "
        "0.25::double as low, 0.75::double as high, 0.2::double as baseline_rate, 2.1::double as rate_ratio, "
        "0.01::double as p_value, 0.03::double as q_value, level = 'area' as is_emerging, "
        "false as is_persistent, "
        f"if(level = 'area', 'twice its usual share', null) as emerging_reason from {PLACES}",
    }.items():
        connection.execute(f"create table warehouse.{name} as {sql}")
    return connection

{# How many rows broke each rule of the extract contracts. A rule that refuses a row is judged over the rows that stand
   and those quarantined, a warning over the rows that stand. A quarantined row counts under the first rule it broke.
   Rows without a known Area are in UNKNOWN, rows dated outside the reporting quarters have no period. #}
with rows_judged as (

    select * from {{ ref('int_rows_judged') }}

),

rules as (

    select * from {{ source('raw', 'rule_catalogue') }}
    where severity in ('quarantine', 'warn')

),

areas as (

    select * from {{ ref('areas') }}

),

quarters as (

    select * from {{ ref('int_quarters') }}

),

quarantined as (

    select * from {{ source('raw', 'quarantine') }}

),

warned as (

    select * from {{ source('raw', 'warnings') }}

),

-- A row that breaks one rule in two columns is one row.
faults as (

    select distinct dataset, rule_id, area_code, event_on, source_file, source_sheet, source_row from quarantined
    union all
    select distinct dataset, rule_id, area_code, event_on, source_file, source_sheet, source_row from warned

),

failures as (

    select
        faults.dataset,
        faults.rule_id,
        coalesce(areas.area_code, 'UNKNOWN') as area_code,
        quarters.quarter_start,
        count(*) as rows_failed
    from faults
    left join areas
        on faults.area_code = areas.area_code
    left join quarters
        on faults.event_on between quarters.quarter_start and quarters.quarter_end
    group by faults.dataset, faults.rule_id, coalesce(areas.area_code, 'UNKNOWN'), quarters.quarter_start

),

area_rows as (

    select
        rows_judged.dataset,
        rows_judged.area_code,
        coalesce(areas.area_name, 'Not known') as area_name,
        coalesce(areas.is_test, false) as is_test,
        bool_or(not areas.is_test) over () as has_real_areas,
        rows_judged.quarter_start,
        rules.rule_id,
        rules.severity,
        rules.dimension,
        rules.owner,
        rules.description as rule_description,
        case
            when rules.severity = 'warn' then rows_judged.standing_rows
            else rows_judged.standing_rows + rows_judged.quarantined_rows
        end as rows_checked,
        coalesce(failures.rows_failed, 0) as rows_failed
    from rows_judged
    inner join rules
        on rows_judged.dataset = rules.dataset
    left join areas
        on rows_judged.area_code = areas.area_code
    left join failures
        on
            rows_judged.dataset = failures.dataset
            and rules.rule_id = failures.rule_id
            and rows_judged.area_code = failures.area_code
            and rows_judged.quarter_start is not distinct from failures.quarter_start

),

levels as (

    select
        'area' as level,
        area_code,
        area_name,
        quarter_start,
        dataset,
        rule_id,
        severity,
        dimension,
        owner,
        rule_description,
        rows_checked,
        rows_failed
    from area_rows

    union all

    select
        'national' as level,
        'ALL' as area_code,
        'England and Wales' as area_name,
        quarter_start,
        dataset,
        rule_id,
        severity,
        dimension,
        owner,
        rule_description,
        sum(rows_checked) as rows_checked,
        sum(rows_failed) as rows_failed
    from area_rows
    where not is_test or not coalesce(has_real_areas, false)
    group by quarter_start, dataset, rule_id, severity, dimension, owner, rule_description

),

described as (

    select
        quarters.regime,
        levels.level,
        levels.area_code,
        levels.area_name,
        'ALL' as unit_type,
        'quarter' as period_type,
        coalesce(quarters.quarter_label, 'Outside the reporting quarters') as period_label,
        levels.quarter_start as period_start,
        quarters.quarter_end as period_end,
        'P' as figure_status,
        levels.dataset,
        levels.rule_id,
        levels.rule_description,
        levels.severity,
        levels.dimension,
        levels.owner,
        cast(levels.rows_checked as bigint) as rows_checked,
        cast(levels.rows_failed as bigint) as rows_failed,
        {{ rate('levels.rows_failed', 'levels.rows_checked') }} as failed_rate
    from levels
    left join quarters
        on levels.quarter_start = quarters.quarter_start

),

final as (

    select
        {{ standard_columns('described', 'described.rows_checked') }},
        {{ null_reason([
            ('period_start', 'true', 'unknown_period'),
            ('period_end', 'true', 'unknown_period'),
            ('failed_rate', 'true', 'no_activity'),
        ]) }} as null_reason,
        described.dataset,
        described.rule_id,
        described.rule_description,
        described.severity,
        described.dimension,
        described.owner,
        described.rows_checked,
        described.rows_failed,
        described.failed_rate,
        described.rows_failed as failed_num,
        described.rows_checked as failed_den
    from described

)

select * from final

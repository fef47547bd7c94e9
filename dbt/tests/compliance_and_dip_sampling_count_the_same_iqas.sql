-- Both marts count every accepted assessment of an Area, unit and period. A returned row is one that they disagree on,
-- or that only one of them has.
select
    coalesce(compliance.level, dip_sampling.level) as level,
    coalesce(compliance.area_code, dip_sampling.area_code) as area_code,
    coalesce(compliance.unit_type, dip_sampling.unit_type) as unit_type,
    coalesce(compliance.period_type, dip_sampling.period_type) as period_type,
    coalesce(compliance.period_start, dip_sampling.period_start) as period_start,
    compliance.iqas_assessed,
    dip_sampling.iqas_assessed as dip_sampling_iqas_assessed
from (
    select * from {{ ref('compliance') }}
    where policy = {{ policy_text('requirement_default_policy') }}
) as compliance
full outer join {{ ref('dip_sampling') }} as dip_sampling
    on
        compliance.level = dip_sampling.level
        and compliance.area_code = dip_sampling.area_code
        and compliance.unit_type = dip_sampling.unit_type
        and compliance.period_type = dip_sampling.period_type
        and compliance.period_start = dip_sampling.period_start
        and compliance.assessment_type = dip_sampling.assessment_type
where compliance.iqas_assessed is distinct from dip_sampling.iqas_assessed

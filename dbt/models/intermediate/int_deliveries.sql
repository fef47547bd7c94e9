{{ config(materialized='ephemeral') }}
{# The days on which extracts of a dataset were delivered. #}
with files as (

    select * from {{ source('raw', 'files') }}

),

final as (

    select distinct
        dataset,
        extract_date as delivered_on
    from files
    where status = 'loaded'

)

select * from final

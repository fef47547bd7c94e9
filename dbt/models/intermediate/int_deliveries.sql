{{ config(materialized='ephemeral') }}
{# The days on which extracts were delivered. The same bytes again change nothing, so they are no delivery. #}
with files as (

    select * from {{ source('raw', 'files') }}

),

final as (

    select distinct extract_date as delivered_on
    from files
    where status = 'loaded'

)

select * from final

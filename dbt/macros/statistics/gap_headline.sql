{#- The sentence that states a quality gap with its base: "managers 85.6%, inspectors 74.9%: 10.7 percentage points, 14.3%
    higher in relative terms (n = 439)". Rounded half up from whole numbers, never from rounded parts. `rated` and
    `reference` count points (or met ratings) out of `total`; `counted` is SQL for what stands after "n = ". -#}
{% macro gap_headline(rated_name, reference_name, rated, reference, total, counted) -%}
    case
        when {{ total }} > 0
            then {{ rated_name }} || ' ' || {{ percent_text(rated, total) }} || '%, '
                || {{ reference_name }} || ' ' || {{ percent_text(reference, total) }} || '%: '
                || case when {{ rated }} < {{ reference }} then '-' else '' end
                || {{ percent_text('abs(' ~ rated ~ ' - ' ~ reference ~ ')', total) }} || ' percentage points, '
                || case
                    when {{ reference }} = 0 then 'no relative gap (the reference is 0%)'
                    when {{ rated }} = {{ reference }} then 'no difference in relative terms'
                    else
                        {{ percent_text('abs(' ~ rated ~ ' - ' ~ reference ~ ')', reference) }} || '% '
                        || case when {{ rated }} > {{ reference }} then 'higher' else 'lower' end
                        || ' in relative terms'
                end
                || ' (n = ' || {{ counted }} || ')'
    end
{%- endmacro %}

{#- A whole number with commas between thousands. -#}
{% macro thousands(number) -%}
    regexp_replace(
        reverse(regexp_replace(reverse(cast({{ number }} as varchar)), '(\d{3})', '\1,', 'g')), '^,', ''
    )
{%- endmacro %}

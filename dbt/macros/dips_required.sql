{#- Dip samples due on a number of assessments, rounded as the policy row says (ceil; half_up; floor), in integers. -#}
{% macro dips_required(iqas) -%}
    case {{ policy_text('dip_rounding') }}
        when 'half_up' then {{ integer_divide('2 * ' ~ iqas ~ ' + ' ~ dip_divisor(), '2 * ' ~ dip_divisor()) }}
        when 'floor' then {{ integer_divide(iqas, dip_divisor()) }}
        else {{ integer_divide(iqas ~ ' + ' ~ dip_divisor() ~ ' - 1', dip_divisor()) }}
    end
{%- endmacro %}

{#- One dip in this many assessments. -#}
{% macro dip_divisor() -%}
    cast({{ policy('dip_rate_divisor') }} as bigint)
{%- endmacro %}

{#- Days from Monday to Friday between two dates, both included. Arithmetic, so that no calendar has to cover them. -#}
{% macro weekdays_between(first_day, last_day) -%}
    ({{ _weekdays_before(last_day, 1) }} - {{ _weekdays_before(first_day, 0) }})
{%- endmacro %}

{#- Weekdays from Monday 1 January 1900 to the day before `day` + `shift`. -#}
{% macro _weekdays_before(day, shift) -%}
    {%- set elapsed = '(' ~ days_between("date '1900-01-01'", day) ~ ' + ' ~ shift ~ ')' -%}
    ({{ integer_divide(elapsed, 7) }} * 5 + least({{ elapsed }} % 7, 5))
{%- endmacro %}

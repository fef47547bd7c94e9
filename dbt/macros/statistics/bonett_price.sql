{#- Interval of a difference of paired proportions (Bonett and Price 2012): one is added to each discordant count and
    two to the total, so that it also holds where nothing is discordant. -#}
{% macro bonett_price_low(lenient, harsh, total, z) -%}
    {{ _bonett_price(lenient, harsh, total, z, '-') }}
{%- endmacro %}

{% macro bonett_price_high(lenient, harsh, total, z) -%}
    {{ _bonett_price(lenient, harsh, total, z, '+') }}
{%- endmacro %}

{% macro _bonett_price(lenient, harsh, total, z, sign) -%}
    case
        when {{ total }} > 0
            then greatest(least(
                (cast({{ lenient }} as double) - {{ harsh }}) / ({{ total }} + 2e0)
                {{ sign }} {{ z }} * sqrt(
                    (cast({{ lenient }} as double) + {{ harsh }} + 2e0) / ({{ total }} + 2e0)
                    - power((cast({{ lenient }} as double) - {{ harsh }}) / ({{ total }} + 2e0), 2)
                ) / sqrt({{ total }} + 2e0),
                1e0
            ), -1e0)
    end
{%- endmacro %}

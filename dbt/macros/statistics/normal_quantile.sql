{#- A polynomial by Horner's rule, coefficients from the constant term upwards. -#}
{% macro _horner(coefficients, variable) -%}
    {%- set nested = namespace(sql=coefficients[-1]) -%}
    {%- for coefficient in coefficients[:-1] | reverse -%}
        {%- set nested.sql = '(' ~ coefficient ~ ' + ' ~ variable ~ ' * ' ~ nested.sql ~ ')' -%}
    {%- endfor -%}
    {{ nested.sql }}
{%- endmacro %}

{#- Quantile of the standard normal distribution, good to 16 figures for probabilities between 1e-10 and 1 - 1e-10.
    Method: Wichura (1988), algorithm AS 241 (PPND16), central and first tail region. Plain SQL, so that any engine
    gives the same limits. -#}
{% macro normal_quantile(probability) -%}
    {%- set central_top = [
        '3.3871328727963666080e0', '1.3314166789178437745e2', '1.9715909503065514427e3', '1.3731693765509461125e4',
        '4.5921953931549871457e4', '6.7265770927008700853e4', '3.3430575583588128105e4', '2.5090809287301226727e3',
    ] -%}
    {%- set central_bottom = [
        '1.0e0', '4.2313330701600911252e1', '6.8718700749205790830e2', '5.3941960214247511077e3',
        '2.1213794301586595867e4', '3.9307895800092710610e4', '2.8729085735721942674e4', '5.2264952788528545610e3',
    ] -%}
    {%- set tail_top = [
        '1.42343711074968357734e0', '4.63033784615654529590e0', '5.76949722146069140550e0',
        '3.64784832476320460504e0', '1.27045825245236838258e0', '2.41780725177450611770e-1',
        '2.27238449892691845833e-2', '7.74545014278341407640e-4',
    ] -%}
    {%- set tail_bottom = [
        '1.0e0', '2.05319162663775882187e0', '1.67638483018380384940e0', '6.89767334985100004550e-1',
        '1.48103976427480074590e-1', '1.51986665636164571966e-2', '5.47593808499534494600e-4',
        '1.05075007164441684324e-9',
    ] -%}
    (
        select
            case
                when abs(argument.centred) <= 0.425e0
                    then argument.centred
                        * {{ _horner(central_top, 'argument.central') }}
                        / {{ _horner(central_bottom, 'argument.central') }}
                else sign(argument.centred)
                    * {{ _horner(tail_top, 'argument.tail') }}
                    / {{ _horner(tail_bottom, 'argument.tail') }}
            end
        from (
            select
                given.probability - 0.5e0 as centred,
                0.180625e0 - (given.probability - 0.5e0) * (given.probability - 0.5e0) as central,
                sqrt(-ln(least(given.probability, 1e0 - given.probability))) - 1.6e0 as tail
            from (select cast({{ probability }} as double) as probability) as given
        ) as argument
    )
{%- endmacro %}

{#- Half the width of a two-sided interval in standard errors, at the confidence of the policy rows: a scalar. Select it
    once in a CTE and pass the column to the interval macros. -#}
{% macro interval_z() -%}
    {{ normal_quantile('(1e0 + ' ~ policy('interval_confidence') ~ ') / 2') }}
{%- endmacro %}

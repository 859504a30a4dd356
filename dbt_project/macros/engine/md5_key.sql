{% macro md5_key(expressions) %}
    {#-
        A key of 32 hexadecimal digits over some expressions; NULL and the empty text give different keys. It is
        the same on both engines where amounts have 12 places (`decimal(38, 12)`) and times are whole seconds.
    -#}
    md5(
        concat_ws(
            '|'
            {%- for expression in expressions -%}
                , coalesce({{ adapter.dispatch("key_text")(expression) }}, '~')
            {%- endfor -%}
        )
    )
{% endmacro %}

{% macro duckdb__key_text(expression) -%} cast({{ expression }} as string) {%- endmacro %}

{#-
    Spark evaluates this `if` while planning, when the type of the expression is known. The cast to text keeps the
    first branch valid for expressions that are no amounts.
-#}
{% macro spark__key_text(expression) -%}
    {%- set text -%} cast({{ expression }} as string) {%- endset -%}
    if(typeof({{ expression }}) like 'decimal%', {{ spark__decimal_text(text) }}, {{ text }})
{%- endmacro %}

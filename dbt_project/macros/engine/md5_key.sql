{% macro md5_key(expressions) %}
    {#-
        A key of 32 hexadecimal digits over some expressions; NULL is told apart from the empty text. The same on both
        engines: amounts must have 12 places (`decimal(38, 12)`), times are of seconds.
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
    `if` is settled when the query is planned: the type of an expression is known then. The way over text is for the
    expressions that are no amounts and must be valid all the same.
-#}
{% macro spark__key_text(expression) -%}
    {%- set text -%} cast({{ expression }} as string) {%- endset -%}
    if(typeof({{ expression }}) like 'decimal%', {{ spark__decimal_text(text) }}, {{ text }})
{%- endmacro %}

{% macro json_object(pairs) %}
    {#-
        JSON text of an object from [[name, expression], …]: in the order given, without those that are NULL or empty.
        '{}' where none is left.
    -#}
    (
        '{' || concat_ws(
            ','
            {%- for name, expression in pairs %}
                , '"{{ name }}":' || {{ json_of_text("nullif(cast(" ~ expression ~ " as string), '')") }}
            {%- endfor %}
        )
        || '}'
    )
{% endmacro %}

{% macro json_of_text(expression) %}
    {#- A text as JSON, quoted and escaped; NULL stays NULL. -#}
    {{- return(adapter.dispatch("json_of_text")(expression)) -}}
{% endmacro %}

{#-
    DuckDB makes a JSON document of every row, NULL included. Most rows are NULL, so only the others are passed to
    it.
-#}
{% macro duckdb__json_of_text(expression) %}
    case when {{ expression }} is not null then cast(to_json({{ expression }}) as string) end
{% endmacro %}

{#- Spark has no JSON of a plain text: it is taken out of an object, `{"v":…}`, which is `{}` for NULL. -#}
{% macro spark__json_of_text(expression) %}
    nullif(regexp_extract(to_json(named_struct('v', {{ expression }})), '^.{5}(.*).$', 1), '')
{% endmacro %}

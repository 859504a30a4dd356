{% macro json_object(pairs) %}
    {#-
        JSON text of an object from [[name, expression], …]: in the order given, without those that are NULL or empty.
        '{}' where none is left.
    -#}
    (
        '{' || concat_ws(
            ','
            {%- for name, expression in pairs %}
                , '"{{ name }}":' || cast(to_json(nullif(cast({{ expression }} as varchar), '')) as varchar)
            {%- endfor %}
        )
        || '}'
    )
{% endmacro %}

{% macro row_hash(expressions) %}
    {#-
        A number over some expressions, fast and of this engine alone: to find rows that may be equal. Never a key, and
        never kept.
    -#}
    {{- adapter.dispatch("row_hash_function")() -}} ({{ expressions | join(", ") }})
{%- endmacro %}

{% macro duckdb__row_hash_function() -%} hash {%- endmacro %}

{% macro spark__row_hash_function() -%} xxhash64 {%- endmacro %}

{% macro row_hash(expressions) %}
    {#-
        A fast hash over some expressions, to find rows that may be equal. It differs between engines, so it is
        never a key and never stored.
    -#}
    {{- adapter.dispatch("row_hash_function")() -}} ({{ expressions | join(", ") }})
{%- endmacro %}

{% macro duckdb__row_hash_function() -%} hash {%- endmacro %}

{% macro spark__row_hash_function() -%} xxhash64 {%- endmacro %}

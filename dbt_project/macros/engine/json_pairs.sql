{% macro json_pairs(relation, column) %}
    {#- The fields of a column of JSON objects as rows: the object, and `pair_name` and `pair_value` as text. -#}
    (
        select holder.{{ column }}, pair.key as pair_name, json_extract_string(pair.value, '$') as pair_value
        from {{ relation }} as holder, json_each(holder.{{ column }}) as pair
    )
{% endmacro %}

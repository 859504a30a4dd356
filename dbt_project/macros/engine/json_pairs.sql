{% macro json_pairs(relation, column) %}
    {#- The fields of a column of JSON objects as rows: the object, and `pair_name` and `pair_value` as text. -#}
    {{- return(adapter.dispatch("json_pairs")(relation, column)) -}}
{% endmacro %}

{% macro duckdb__json_pairs(relation, column) %}
    (
        select holder.{{ column }}, pair.key as pair_name, json_extract_string(pair.value, '$') as pair_value
        from {{ relation }} as holder, json_each(holder.{{ column }}) as pair
    )
{% endmacro %}

{% macro spark__json_pairs(relation, column) %}
    (
        select holder.{{ column }}, pair.pair_name, pair.pair_value
        from {{ relation }} as holder
        lateral view
            explode(from_json(holder.{{ column }}, 'map<string,string>')) pair as pair_name, pair_value
    )
{% endmacro %}

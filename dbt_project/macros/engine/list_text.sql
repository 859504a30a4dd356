{% macro joined_text(expression, order_by) %}
    {#- The texts of a group in one, in a fixed order. -#}
    {{- return(adapter.dispatch("joined_text")(expression, order_by)) -}}
{% endmacro %}

{% macro duckdb__joined_text(expression, order_by) %}
    string_agg({{ expression }}, '|' order by {{ order_by }})
{% endmacro %}

{% macro spark__joined_text(expression, order_by) %}
    array_join(
        transform(
            array_sort(collect_list(struct({{ order_by }}, {{ expression }} as value))), item -> item.value
        ),
        '|'
    )
{% endmacro %}

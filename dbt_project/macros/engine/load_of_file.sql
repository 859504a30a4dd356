{% macro load_of_file(column) %}
    {#- The dlt load id in a lake file's name `<load id>.<file id>.parquet`; a load id has a dot of its own. -#}
    regexp_extract({{ column }}, '([0-9]+[.][0-9]+)[.][^/]*$', 1)
{% endmacro %}

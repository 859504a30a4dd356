{% macro lake_files(pattern) %}
    {#- The files of the lake that match a pattern below its root, as a list; empty where there are none. -#}
    {% if not execute %} {{ return([]) }} {% endif %}
    {% set found = run_query("select file from glob('" ~ lake_path() ~ "/" ~ pattern ~ "') order by file") %}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}

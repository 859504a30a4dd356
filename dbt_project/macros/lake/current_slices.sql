{% macro current_slices() %}
    {#- The table that `read_delivery_notes` builds at the start of a run. -#}
    {{- return(lake_schema() ~ ".current_slices") -}}
{% endmacro %}

{% macro lake_schema() %}
    {#- The schema of the tables that are read from the lake once a run. -#}
    {{- return(schema_prefix() ~ "lake") -}}
{% endmacro %}

{% macro held_deliveries() %}
    {#- The table of held deliveries that `read_delivery_notes` builds at the start of a run. -#}
    {{- return(lake_schema() ~ ".held_deliveries") -}}
{% endmacro %}

{% macro current_slices() %}
    {#- The table that `read_delivery_notes` builds at the start of a run. -#}
    {{- return(lake_schema() ~ ".current_slices") -}}
{% endmacro %}

{% macro source_of_slice() %}
    {#- The source of the ledger that a slice (`dataset`, `slice_id`) is of. -#}
    case
        when dataset in ('{{ datasets_of_several_sources() | join("', '") }}')
        then {{ first_part("slice_id") }}
        else substr(dataset, 5)
    end
{% endmacro %}

{% macro lake_schema() %}
    {#- The schema of the tables that are read from the lake once a run. -#}
    {{- return(schema_prefix() ~ "lake") -}}
{% endmacro %}

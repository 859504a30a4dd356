{% macro current_slices() %}
    {#- The table that `read_delivery_notes` builds at the start of a run. -#}
    lake.current_slices
{% endmacro %}

{% macro atlas_cost_kind(sku) %}
    {#-
        What of a cluster an Atlas SKU costs: `storage` (disks, backups), `compute` (instances, serverless
        capacity), or NULL: data transfer, search nodes and all that no database of the cluster uses as such.
    -#}
    case
        when upper({{ sku }}) like '%TRANSFER%' or upper({{ sku }}) like '%SEARCH%'
        then cast(null as string)
        when
            upper({{ sku }}) like '%STORAGE%'
            or upper({{ sku }}) like '%BACKUP%'
            or upper({{ sku }}) like '%SNAPSHOT%'
            or upper({{ sku }}) like '%DISK%'
        then 'storage'
        when
            upper({{ sku }}) like '%INSTANCE%'
            or upper({{ sku }}) like '%SERVERLESS%'
            or upper({{ sku }}) like '%FLEX%'
        then 'compute'
    end
{%- endmacro %}

{% macro list_versions(listed, keys, attributes) %}
    {#-
        The versions of what a vendor lists, from a relation `listed` of one row per `keys` and delivery of the list,
        with `slice_id`, `delivered_at`, `newest_list_at`, `created_at` and the attributes. A version holds from the
        delivery that has it to the next one that has another. What is deleted keeps its last version. For charges
        (`held_from`, `held_to`) the first version also counts before it, the last one after it.
    -#}
    {%- set key = keys | join(", ") -%}
    (
        select
            {{ key }},
            {{ attributes | join(", ") }},
            created_at,
            delivered_at as valid_from,
            lead(delivered_at) over (partition by {{ key }} order by delivered_at, slice_id) as valid_to,
            last_listed_at,
            last_listed_at < newest_list_at as is_deleted,
            case
                when row_number() over (partition by {{ key }} order by delivered_at, slice_id) = 1
                then timestamp '1970-01-01 00:00:00'
                else delivered_at
            end as held_from,
            coalesce(
                lead(delivered_at) over (partition by {{ key }} order by delivered_at, slice_id),
                timestamp '2200-01-01 00:00:00'
            ) as held_to
        from
            (
                select
                    marked.*,
                    lag(attributes_key) over (
                        partition by {{ key }} order by delivered_at, slice_id
                    ) as attributes_key_before
                from
                    (
                        select
                            listed.*,
                            {{ md5_key(attributes) }} as attributes_key,
                            max(delivered_at) over (partition by {{ key }}) as last_listed_at
                        from {{ listed }} as listed
                    ) as marked
            ) as compared
        where attributes_key_before is null or attributes_key <> attributes_key_before
    )
{% endmacro %}

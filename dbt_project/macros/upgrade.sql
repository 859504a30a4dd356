{#- Bring the warehouse of an earlier version of this project to the names of this one (docs/upgrading.md). -#}
{% macro upgrade_warehouse() %}
    {% if execute and flags.WHICH in ("run", "build", "run-operation") %}
        {#- One transaction on DuckDB: the statement opens it where none is open. Spark has none. -#}
        {% call statement("begin_upgrade") %} select 1 {% endcall %}
        {% do carry_over_table(
            schema=generate_schema_name("marts", none),
            earlier_name="fact_belief",
            name="fact_cost_revision",
            renamed_columns={
                "belief_key": "cost_revision_key",
                "belief_number": "revision_number",
                "believed_at": "known_at",
            },
            partitions=by_period_partitions(["revision_number"]),
        ) %}
        {% do drop_retired_relations() %}
        {% do adapter.commit() %}
    {% endif %}
{% endmacro %}

{% macro retired_relations() %}
    {#-
        Names that earlier versions used, by layer. When a model is renamed or removed, its name is added here
        and stays.
    -#}
    {{
        return({
            "intermediate": [
                "int_anthropic_charges__classified",
                "int_anthropic_costs__parsed",
                "int_aws_bases__chosen",
                "int_aws_lines__claimed",
                "int_charges__judged",
                "int_charges__owned",
                "int_claims__asked",
                "int_delivery_totals__current",
                "int_llm_bills__delivered",
                "int_llm_buckets__weighed",
                "int_llm_lists__mentioned",
                "int_llm_price_books__noted",
                "int_llm_prices__carded",
                "int_llm_provider_costs__parsed",
                "int_llm_requests__alike",
                "int_llm_requests__excepted",
                "int_llm_requests__measured",
                "int_llm_requests__repriced",
                "int_llm_requests__unbilled",
                "int_llm_usage__bucketed",
                "int_openai_charges__classified",
                "int_openai_costs__parsed",
                "int_openrouter_charges__classified",
                "int_openrouter_costs__parsed",
                "int_periods__fingerprinted",
                "int_periods__witnessed",
                "int_pools__weighed",
                "int_slices__of_periods",
            ],
            "seeds": ["source_promises"],
            "staging": [
                "stg_atlas__clusters",
                "stg_atlas__invoices",
                "stg_atlas__projects",
                "stg_llm_providers__anthropic_analytics_cost",
                "stg_llm_providers__anthropic_analytics_usage",
                "stg_llm_providers__anthropic_claude_code",
                "stg_llm_providers__anthropic_claude_code_models",
                "stg_llm_gateway__rejected_records",
                "stg_llm_providers__openai_projects",
                "stg_registry__budgets",
                "stg_vercel__projects",
                "stg_vercel__teams",
            ],
        })
    }}
{% endmacro %}

{% macro drop_retired_relations() %}
    {% for layer, names in retired_relations().items() %}
        {% for name in names %}
            {% set relation = adapter.get_relation(target.database, generate_schema_name(layer, none), name) %}
            {% if relation is not none %} {% do adapter.drop_relation(relation) %} {% endif %}
        {% endfor %}
    {% endfor %}
{% endmacro %}

{% macro carry_over_table(schema, earlier_name, name, renamed_columns, partitions) %}
    {#-
        Copy a table that the lake cannot restore to its new name, with its new column names. A run may stop at
        any point: the copy gets its name when it is complete, and only then the earlier table is dropped.
    -#}
    {% set earlier = adapter.get_relation(target.database, schema, earlier_name) %}
    {% if earlier is none %} {{ return("") }} {% endif %}
    {% if adapter.get_relation(target.database, schema, name) is none %}
        {% set draft = earlier.incorporate(path={"identifier": name ~ "__draft"}) %}
        {% set columns = [] %}
        {% for column in adapter.get_columns_in_relation(earlier) %}
            {% do columns.append(column.name ~ " as " ~ renamed_columns.get(column.name, column.name)) %}
        {% endfor %}
        {% do adapter.drop_relation(draft) %}
        {% do copy_table(draft, "select " ~ columns | join(", ") ~ " from " ~ earlier, partitions) %}
        {% do adapter.rename_relation(draft, earlier.incorporate(path={"identifier": name})) %}
    {% endif %}
    {% do adapter.drop_relation(earlier) %}
{% endmacro %}

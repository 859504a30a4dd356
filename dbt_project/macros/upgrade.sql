{#- Drop from the warehouse what this version of the project has no longer (docs/upgrading.md). -#}
{% macro upgrade_warehouse() %}
    {% if execute and flags.WHICH in ("run", "build", "run-operation") %}
        {#- One transaction on DuckDB: the statement opens it where none is open. Spark has none. -#}
        {% call statement("begin_upgrade") %} select 1 {% endcall %}
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
            "marts": ["fact_belief"],
            "seeds": ["source_promises"],
            "staging": [
                "stg_llm_providers__anthropic_analytics_cost",
                "stg_llm_providers__anthropic_analytics_usage",
                "stg_llm_providers__anthropic_claude_code",
                "stg_llm_providers__anthropic_claude_code_models",
                "stg_llm_gateway__rejected_records",
                "stg_llm_providers__openai_projects",
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

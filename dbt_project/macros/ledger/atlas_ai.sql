{#-
    Atlas's own AI lines. No document lists their SKUs: they are known by the services that Atlas's cost explorer names
    (AI Model APIs, Automated Embedding, Native Reranking) and by the names of the models of Voyage AI.
-#}
{% macro atlas_is_ai(sku) %}
    coalesce(
        upper({{ sku }}) like '%VOYAGE%'
        or upper({{ sku }}) like '%EMBEDDING%'
        or upper({{ sku }}) like '%RERANK%'
        or upper({{ sku }}) like '%MODEL_API%',
        false
    )
{%- endmacro %}

{% macro atlas_ai_model(sku) %}
    {#- The model that a SKU names, as Voyage AI spells it: voyage-4-large of `ATLAS_AI_VOYAGE_4_LARGE_TOKENS`. -#}
    lower(
        replace(
            {{
                regex_group(
                    "upper(" ~ sku ~ ")",
                    "((?:VOYAGE|RERANK)(?:[_-](?:CODE|CONTEXT|FINANCE|LAW|MULTIMODAL))?[_-][0-9]+(?:[.][0-9]+)?(?:[_-](?:LITE|LARGE))?)",
                    1,
                )
            }},
            '_',
            '-'
        )
    )
{%- endmacro %}

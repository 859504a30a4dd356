{#-
    Atlas's own AI lines. No document lists their SKUs: they are known by the services that Atlas's cost explorer names
    (AI Model APIs, Automated Embedding, Native Reranking, Agent Engine) and by the names of the models of Voyage AI.
    `category` is the report's, of a row of it.
-#}
{% macro atlas_is_ai(sku, category) %}
    coalesce(
        upper({{ sku }}) like '%VOYAGE%'
        or upper({{ sku }}) like '%EMBEDDING%'
        or upper({{ sku }}) like '%RERANK%'
        or upper({{ sku }}) like '%MODEL_API%'
        or {{ category }} in ('AI Model APIs', 'Automated Embedding', 'Native Reranking', 'Agent Engine'),
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

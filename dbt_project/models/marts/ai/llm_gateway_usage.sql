-- A dimension of the AI Gateway's report has all of a day's usage: one of them counts, that by model first.
-- A day whose requests to the AI Gateway are logged needs no report.
with
    requests as (
        select
            usage_day,
            source_system as gateway,
            model_id,
            case when {{ llm_biller("provider") }} = 'vercel' then 1 else 0 end as is_of_vercel,
            input_tokens,
            cache_read_tokens,
            coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0) as cache_write_tokens,
            output_tokens,
            reasoning_tokens,
            computed_list_cost
        from {{ ref("fact_llm_request") }}
    ),

    report as (
        select
            usage.*,
            dense_rank() over (
                partition by usage_day
                order by
                    case
                        dimension
                        when 'model'
                        then 1
                        when 'provider'
                        then 2
                        when 'credential_type'
                        then 3
                        when 'user'
                        then 4
                        else 5
                    end
            ) as dimension_rank
        from {{ ref("ai_gateway_usage") }} as usage
        where dimension <> 'tag'
    ),

    logged as (select distinct usage_day from requests where is_of_vercel = 1)

select
    usage_day,
    gateway,
    'request log' as evidence,
    model_id,
    cast(count(*) as bigint) as request_count,
    cast(sum(input_tokens) as bigint) as input_tokens,
    cast(sum(cache_read_tokens) as bigint) as cached_input_tokens,
    cast(sum(cache_write_tokens) as bigint) as cache_write_tokens,
    cast(sum(output_tokens) as bigint) as output_tokens,
    cast(sum(reasoning_tokens) as bigint) as reasoning_tokens,
    cast(sum(computed_list_cost) as decimal(38, 12)) as list_cost
from requests
group by usage_day, gateway, model_id

union all

select
    report.usage_day,
    'vercel_ai_gateway',
    'report',
    case when report.dimension = 'model' then report.value end,
    cast(sum(report.request_count) as bigint),
    cast(sum(report.input_tokens) as bigint),
    cast(sum(report.cached_input_tokens) as bigint),
    cast(sum(report.cache_write_tokens) as bigint),
    cast(sum(report.output_tokens) as bigint),
    cast(sum(report.reasoning_tokens) as bigint),
    cast(sum(report.list_cost) as decimal(38, 12))
from report
left join logged on report.usage_day = logged.usage_day
where report.dimension_rank = 1 and logged.usage_day is null
group by report.usage_day, case when report.dimension = 'model' then report.value end

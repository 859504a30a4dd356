{% macro resolving_claims(keys=[]) %}
    {#-
        The CTEs that resolve claims by the registry's rules: from `claimed`, a CTE with claims and `charge_day`
        (and `keys`), to `candidates`, whose rows of `match_rank = 1` have the winning rule, its owner and the
        evidence. Charges and requests alike get their owners here.
    -#}
    rules as (select * from {{ ref("stg_registry__ownership_rules") }}),

    kinds as (select * from {{ ref("claim_kinds") }}),

    objects as (select distinct claims from claimed),

    pairs as (
        select claims, pair_name as claim_kind, pair_value as claim_value
        from {{ json_pairs("objects", "claims") }}
    ),

    exact_matches as (
        select pairs.claims, pairs.claim_kind, pairs.claim_value, rules.*, 0 as is_pattern
        from pairs
        inner join
            rules
            on pairs.claim_kind = rules.claim
            and pairs.claim_value = rules.value
            and rules.match = 'exact'
    ),

    pattern_matches as (
        select pairs.claims, pairs.claim_kind, pairs.claim_value, rules.*, 1 as is_pattern
        from pairs
        inner join
            rules
            on pairs.claim_kind = rules.claim
            and rules.match = 'glob'
            and {{ matches_glob("pairs.claim_value", "rules.value") }}
    ),

    matches as (
        select *
        from exact_matches
        union all
        select *
        from pattern_matches
    ),

    -- A claim of a tag is of the kind `aws_tag:<key>`: its rank is that of `aws_tag`.
    ranked_matches as (
        select
            matches.claims,
            matches.claim_kind,
            matches.claim_value,
            matches.rule_id,
            matches.owner_id,
            matches.priority,
            matches.valid_from,
            matches.valid_to,
            matches.is_pattern,
            length(matches.value) as specificity,
            case
                when matches.is_pattern = 1 then 'name_pattern' else kinds.evidence_kind
            end as evidence_kind,
            case
                when matches.is_pattern = 1 then greatest(kinds.evidence_rank, 5) else kinds.evidence_rank
            end as evidence_rank
        from matches
        inner join kinds on {{ first_part("matches.claim_kind", ":") }} = kinds.claim_kind
    ),

    candidates as (
        select
            {% for key in keys %} claimed.{{ key }}, {% endfor %}
            claimed.claims,
            claimed.charge_day,
            ranked_matches.claim_kind,
            ranked_matches.claim_value,
            ranked_matches.rule_id,
            ranked_matches.owner_id,
            ranked_matches.evidence_kind,
            ranked_matches.evidence_rank,
            row_number() over (
                partition by
                    {% for key in keys %} claimed.{{ key }}, {% endfor %} claimed.claims, claimed.charge_day
                order by
                    ranked_matches.priority,
                    ranked_matches.evidence_rank,
                    ranked_matches.is_pattern,
                    ranked_matches.specificity desc,
                    ranked_matches.rule_id
            ) as match_rank
        from claimed
        inner join
            ranked_matches
            on claimed.claims = ranked_matches.claims
            and claimed.charge_day >= coalesce(ranked_matches.valid_from, date '1970-01-01')
            and claimed.charge_day < coalesce(ranked_matches.valid_to, date '9999-12-31')
    )
{% endmacro %}

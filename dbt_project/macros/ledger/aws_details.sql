{#- FOCUS's details of a CUR line: its instance, its capacity reservation, and the programs that it may be covered by. -#}
{% macro _is_metered_as(usage_type, meters) %}
    {#-
        Whether a usage type, without its region and what it is of, is one of some meters: BoxUsage is that of
        `EUC1-BoxUsage:m6i.large`. Not by a list after `in`: DuckDB makes a join of a long one, which takes memory.
    -#}
    {{ regex_group(usage_type, "^(?:[A-Z]+[0-9]*-)*(" ~ meters | join("|") ~ ")(?::.*)?$", 1) }} is not null
{%- endmacro %}

{% macro aws_instance_details(instance_type, vcpu, operating_system) %}
    {#-
        The instance of a line as FOCUS's SkuPriceDetails, a JSON object; NULL for a line without an instance. The
        series is the type without its size, and without what AWS puts before it: r6g of `db.r6g.large`.
    -#}
    case
        when {{ instance_type }} is not null
        then
            '{' || concat_ws(
                ',',
                '"CoreCount":' || {{ regex_group(vcpu, "^0*([1-9][0-9]*)$", 1) }},
                '"InstanceSeries":' || {{ json_of_text(regex_group(instance_type, _instance_series(), 1)) }},
                '"InstanceType":' || {{ json_of_text(instance_type) }},
                '"OperatingSystem":'
                || {{ json_of_text("nullif(nullif(" ~ operating_system ~ ", ''), 'NA')") }}
            )
            || '}'
    end
{% endmacro %}

{% macro _instance_series() %}
    {{- return("^(?:[a-z]+[.])?([a-z0-9-]+)[.][a-z0-9-]+(?:[.](?:elasticsearch|search))?$") -}}
{% endmacro %}

{% macro aws_capacity_status(status, arn, usage_type, resource_id) %}
    {#-
        Whether a line is of the used or the unused part of a capacity reservation; NULL for others, and for what
        only states the reservation (Reserved) or its end (Cancelled). Exports without these columns show the
        unused part by its usage type.
    -#}
    case
        when {{ arn }} is not null
        then {{ focus_use_status(status) }}
        when {{ _is_unused_capacity(usage_type, resource_id) }}
        then 'Unused'
    end
{% endmacro %}

{% macro aws_capacity_reservation(arn, usage_type, resource_id) %}
    {#- The capacity reservation that a line is of. -#}
    coalesce(
        {{ arn }}, case when {{ _is_unused_capacity(usage_type, resource_id) }} then {{ resource_id }} end
    )
{% endmacro %}

{% macro _is_unused_capacity(usage_type, resource_id) %}
    (
        {{ _is_metered_as(usage_type, ['UnusedBox', 'UnusedDed']) }}
        and ({{ resource_id }} like '%/cr-%' or {{ resource_id }} like 'cr-%')
    )
{% endmacro %}

{% macro aws_commitment_programs(service_code, usage_type) %}
    {#-
        The kinds of commitment that AWS sells for what a usage type measures, a bar between them; NULL where it
        sells none. After AWS's pages of Savings Plans, reserved instances and nodes, and capacity reservations,
        2026-11. Not here: Database Savings Plans, which depend on the generation of the instance.
    -#}
    {%- set instances = "Savings Plan|Reserved Instance|Capacity Reservation" -%}
    {%- set sold = [
        ["AmazonEC2", ["BoxUsage", "UnusedBox", "DedicatedUsage", "UnusedDed"], instances],
        [
            "AWSLambda",
            [
                "Lambda-GB-Second", "Lambda-GB-Second-ARM", "Lambda-Provisioned-GB-Second",
                "Lambda-Provisioned-GB-Second-ARM", "Lambda-Provisioned-Concurrency",
                "Lambda-Provisioned-Concurrency-ARM",
            ],
            "Savings Plan",
        ],
        [
            "AmazonECS",
            ["Fargate-vCPU-Hours", "Fargate-GB-Hours", "Fargate-ARM-vCPU-Hours", "Fargate-ARM-GB-Hours"],
            "Savings Plan",
        ],
        ["AmazonEKS", ["Fargate-vCPU-Hours", "Fargate-GB-Hours"], "Savings Plan"],
        ["AmazonSageMaker", ["Host", "Notebk", "Processing", "Train", "Tsform"], "Savings Plan"],
        [
            "AmazonRDS",
            [
                "InstanceUsage", "InstanceUsageIOOptimized", "Multi-AZUsage", "Multi-AZClusterUsage",
            ],
            "Reserved Instance",
        ],
        ["AmazonElastiCache", ["NodeUsage"], "Reserved Instance"],
        ["AmazonES", ["ESInstance"], "Reserved Instance"],
        ["AmazonRedshift", ["Node"], "Reserved Instance"],
    ] -%}
    case
        {%- for code, meters, programs in sold %}
            when {{ service_code }} = '{{ code }}' and {{ _is_metered_as(usage_type, meters) }}
            then '{{ programs }}'
        {%- endfor %}
    end
{% endmacro %}

{% macro commitment_eligibility(programs, commitment_type) %}
    {#-
        FOCUS's CommitmentProgramEligibilityDetails from programs with a bar between them; NULL without any. The
        type of the commitment that covers the line is always one of them.
    -#}
    '{"CommitmentPrograms":[{"ProgramType":"' || replace(
        case
            when {{ programs }} is null
            then {{ commitment_type }}
            when {{ commitment_type }} is null or {{ programs }} like '%' || {{ commitment_type }} || '%'
            then {{ programs }}
            else {{ programs }} || '|' || {{ commitment_type }}
        end,
        '|',
        '"},{"ProgramType":"'
    )
    || '"}]}'
{% endmacro %}

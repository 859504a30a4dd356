-- What a reader should look at in a delivery: it lost much of what the one before had, though its time is
-- over, or its lines do not come to the vendor's own total.
with
    compared as (select * from {{ ref("int_slices__compared") }}),

    -- What moved into a slice that is new in the same landing is not lost: a pending invoice gets another
    -- id when it closes.
    arrived as (
        select
            dataset,
            billing_month,
            window_end,
            extracted_at,
            currency,
            sum(billed_cost) as billed_cost,
            sum(row_count) as row_count
        from compared
        where previous_load_id is null
        group by dataset, billing_month, window_end, extracted_at, currency
    ),

    measured as (
        select
            compared.*,
            coalesce(compared.billed_cost, 0) as billed,
            coalesce(compared.previous_billed_cost, 0) as billed_before,
            coalesce(arrived.billed_cost, 0) as billed_elsewhere,
            coalesce(arrived.row_count, 0) as rows_elsewhere,
            compared.previous_load_id is not null
            and compared.window_end <= compared.extracted_at as is_closed_again
        from compared
        left join
            arrived
            on compared.dataset = arrived.dataset
            and compared.billing_month = arrived.billing_month
            and compared.window_end = arrived.window_end
            and compared.extracted_at = arrived.extracted_at
            and coalesce(compared.currency, '') = coalesce(arrived.currency, '')
    ),

    judged as (
        select
            measured.*,
            -- Requests and usage have no cost of their own: their rows count.
            case
                when
                    is_closed_again
                    and billed_before > 0
                    and cast(billed + billed_elsewhere as double)
                    < cast(billed_before as double) * (1 - {{ var("shrink_share") }})
                then
                    case when row_count = 0 then 'emptied: ' else 'shrunk: ' end
                    || {{ decimal_text("billed") }}
                    || ' '
                    || currency
                    || ', before '
                    || {{ decimal_text("billed_before") }}
                when
                    is_closed_again
                    and billed_cost is null
                    and previous_billed_cost is null
                    and row_count + rows_elsewhere < previous_row_count * (1 - {{ var("shrink_share") }})
                then
                    case when row_count = 0 then 'emptied: ' else 'shrunk: ' end
                    || cast(row_count as string)
                    || ' rows, before '
                    || cast(previous_row_count as string)
            end as loss,
            case
                when stated_billed_cost <> billed
                then
                    'total differs: the lines come to '
                    || {{ decimal_text("billed") }}
                    || ' '
                    || currency
                    || ', and the vendor states '
                    || {{ decimal_text("stated_billed_cost") }}
            end as difference
        from measured
    )

select
    dataset,
    slice_id,
    load_id,
    previous_load_id,
    previous_row_count,
    -- Where nothing was found, one engine joins to NULL and the other to an empty text.
    nullif(
        concat_ws(
            '; ',
            nullif({{ joined_text("loss", "currency") }}, ''),
            nullif({{ joined_text("difference", "currency") }}, '')
        ),
        ''
    ) as finding
from judged
group by dataset, slice_id, load_id, previous_load_id, previous_row_count

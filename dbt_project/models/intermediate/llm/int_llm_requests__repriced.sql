{%- set months -%}
    (
        select billing_month, newest_price_book_version as price_book_version
        from {{ ref("int_llm_price_books__assigned") }}
        where newest_price_book_version <> price_book_version
    )
{%- endset -%}

-- The same requests at the newest price book, of the months that are priced with an earlier one. For
-- comparison only.
{{ llm_priced(ref("int_llm_requests__deduplicated"), months) }}

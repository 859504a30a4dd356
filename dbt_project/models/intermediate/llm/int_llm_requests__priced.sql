-- A view: fact_llm_request writes it. Every request at the list price of the book that its month is priced
-- with.
{{ llm_priced(ref("int_llm_requests__deduplicated"), ref("int_llm_price_books__assigned")) }}

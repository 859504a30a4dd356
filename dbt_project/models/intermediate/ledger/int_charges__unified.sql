-- All charges, of whatever source. A view: what follows reads the periods that it builds straight from the
-- lake, and
-- only the ledger itself is written.
with
    charges as (
        {% for model in charge_models() %}
            select {{ charge_columns() | join(", ") }}
            from {{ ref(model) }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select *
from charges

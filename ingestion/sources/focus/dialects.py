"""How vendors' files depart from FOCUS: each dialect is known by its header, and named in the delivery note.

Names of earlier drafts are read in every file, where FOCUS's own column is absent: several vendors still write them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# FOCUS 0.5 and 1.0-preview, and who writes the name today: column of FOCUS by the earlier name's letters.
EARLIER_NAMES = {
    "amortizedcost": "effective_cost",  # 0.5
    "chargetype": "charge_category",  # 0.5
    "invoiceissuer": "invoice_issuer_name",  # 0.5; OCI
    "provider": "provider_name",  # 0.5; OCI
    "publisher": "publisher_name",  # 0.5; OCI
    "region": "region_id",  # 1.0-preview; OCI, Azure's preview
    "usagequantity": "consumed_quantity",  # 1.0-preview; OCI, Azure's preview
    "usageunit": "consumed_unit",  # 1.0-preview; OCI, Azure's preview
}


@dataclass(frozen=True)
class Dialect:
    """A vendor's way: the letters of headers that show it, and what it writes where it knows nothing.

    `unknown_texts` are absent values in texts. With `zero_is_unknown` a list or contracted cost of 0, and its unit price,
    is absent beside an effective cost.
    """

    title: str
    marks: frozenset[str]
    unknown_texts: tuple[str, ...] = ()
    zero_is_unknown: bool = False


DIALECTS = (
    # Oracle, "FOCUS reports": FOCUS 1.0-preview's names, and columns of its own that begin with oci_.
    Dialect("OCI's FOCUS report", frozenset({"ocireferencenumber"})),
    Dialect("OCI's FOCUS report", frozenset({"xocireferencenumber"})),
    # Google, "FOCUS BigQuery view": lower-case categories, tags as a list of structs, ServiceCategory as a list.
    Dialect("Google's FOCUS view", frozenset({"xcosttype", "xcredits", "xcurrencyconversionrate"})),
    # Microsoft, "Cost and usage details (FOCUS)": an id of -2 and the name Unassigned stand for none, a price or a cost
    # at list or contracted price of 0 for one that Cost Management does not know (FinOps toolkit, "FOCUS metadata").
    Dialect(
        "Azure's FOCUS export",
        frozenset({"xskumeterid", "xbillingprofileid"}),
        unknown_texts=("-2", "Unassigned"),
        zero_is_unknown=True,
    ),
)


def letters(header: str) -> str:
    """A header without what spellings differ in."""
    return re.sub(r"[^a-z0-9]", "", header.lower())


def dialect_of(headers: Iterable[str]) -> Dialect | None:
    """The dialect that a header shows; None for FOCUS itself."""
    found = {letters(header) for header in headers}
    return next((dialect for dialect in DIALECTS if dialect.marks <= found), None)

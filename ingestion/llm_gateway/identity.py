"""Where the signed identity of a request is settled: the only place that sees a record's raw token."""

from __future__ import annotations

import pyarrow as pa

# The column in which a format hands a record's token over. It is no column of `llm_requests`.
RAW_TOKEN = "raw_actor_token"  # noqa: S105 - the name of a column


def settle_actors(rows: pa.Table) -> pa.Table:
    """The rows with what their tokens prove in the actor_ columns, and without the tokens.

    Verification belongs here, before anything is written to a file. Until a key set is given no token is verified:
    it is dropped and says nothing.
    """
    return rows.drop_columns([RAW_TOKEN])

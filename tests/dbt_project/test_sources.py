"""What dbt lists of sources follows from what they declare in Python."""

from __future__ import annotations

import re
from collections import Counter

from ingestion.sources.catalog import CLAIM_KINDS, SOURCES
from orchestration.generate import NOTICE, PROJECT, generated


def test_generated_files_are_what_sources_declare() -> None:
    changed = [path.name for path, content in generated().items() if path.read_text() != content]
    assert not changed, f"run `make generate`: it would change {changed}"


def test_every_generated_file_names_the_command_that_writes_it() -> None:
    seeds = (PROJECT / "seeds" / "_seeds.yml").read_text()
    for path, content in generated().items():
        # A seed has no comments: its description names the command.
        described = re.search(rf"name: {path.stem}\n.*", seeds)
        assert content.splitlines()[0].strip("{# }") == NOTICE or (described and NOTICE in described[0]), path


def test_every_source_that_bills_has_a_freshness_sla() -> None:
    assert {source.name for source in SOURCES if source.has_bills} <= {
        source.name for source in SOURCES if source.freshness_sla_hours
    }


def test_every_name_is_declared_once() -> None:
    names = [source.name for source in SOURCES]
    ledger_sources = [ledger.name for source in SOURCES for ledger in source.ledger_sources]
    for declared in (names, ledger_sources, [kind.name for kind in CLAIM_KINDS]):
        assert [name for name, count in Counter(declared).items() if count > 1] == []

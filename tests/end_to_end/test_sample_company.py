"""The promises of the ledger, tested on the sample company through the user's commands."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest

from ingestion.lake.notes import known_notes, load_of
from ingestion.settings import PROJECT_ROOT, Home
from orchestration.cli.matching import Rule, Rules
from orchestration.dbt.engine import DUCKDB, Engine
from sample_company.aws.base import PAYER
from sample_company.aws.bedrock import bedrock_lines, picture_line
from sample_company.aws.monthly_lines import NO_AMOUNT
from sample_company.identity import standing
from sample_company.llm.litellm import late_day
from sample_company.llm.request_log import PROMPT
from sample_company.llm.requests import requests
from sample_company.llm.spellings import ALIAS, LAB, LAB_MODEL, odd_records
from tests.end_to_end.conftest import Company, Reader, assert_same

pytestmark = pytest.mark.slow

MONEY = ("raw_aws", "raw_vercel", "raw_atlas", "raw_llm_providers")


def test_ledger_equals_the_delivery_notes_exactly(company: Company) -> None:
    expected: dict[tuple[str, str | None, str], Decimal] = defaultdict(Decimal)
    home = Home(company.home)
    for dataset in MONEY:
        notes = known_notes(home, dataset)
        for file in (home.lake / dataset / "delivery_totals").glob("*.parquet"):
            for row in pq.read_table(file, partitioning=None).to_pylist():
                note = notes.get(row["slice_id"])
                if row["measure"] == "billed_cost" and note and note.load_id == row["load_id"] == load_of(file):
                    source = row["slice_id"].split("|")[0] if dataset == "raw_llm_providers" else dataset[4:]
                    expected[(source, note.billing_period, row["currency"])] += row["amount"]
    found = {
        (source, month, currency): amount
        for source, month, currency, amount in company.query(
            "select source, billing_month, billing_currency, sum(billed_cost) from fact_cost "
            "where not is_estimated group by all"
        )
    }
    assert found == dict(expected)
    assert {source for source, _, _ in found} == {"aws", "vercel", "atlas", "openai", "anthropic", "openrouter"}


def test_all_stages_agree(company: Company) -> None:
    assert company.query("select count(*) from fact_reconciliation where not is_reconciled") == [(0,)]


def test_owners_are_right_where_there_is_evidence(company: Company) -> None:
    labels = company.stage.folder / "labels" / "owners.parquet"
    rows = company.query(
        f"""
        with ledger as (
            select source, vendor_charge_id, owner_id, sum(effective_cost) as amount from fact_cost group by all
        )
        select labels.source, sum(labels.amount), sum(least(labels.amount, coalesce(ledger.amount, 0)))
        from read_parquet('{labels}') as labels
        left join ledger using (source, vendor_charge_id, owner_id)
        where labels.enough_evidence
        group by 1
        """
    )
    right = {source: hit / total for source, total, hit in rows}
    assert set(right) == {"aws", "vercel", "atlas", "openai", "anthropic", "openrouter", "llm_gateway"}
    assert min(right.values()) >= Decimal("0.95"), right


def test_shared_cluster_is_paid_for_by_those_who_use_it(company: Company) -> None:
    """Within 1 % of the labels, and the parts of each charge come to it exactly."""
    labels = company.stage.folder / "labels" / "owners.parquet"
    rows = company.query(
        f"""
        with ledger as (
            select owner_id, sum(effective_cost) as amount from fact_cost
            where source = 'atlas' and resource_name = 'events' group by 1
        ),
        label as (
            select owner_id, sum(amount) as amount from read_parquet('{labels}')
            where source = 'atlas' and vendor_charge_id like '%|events' group by 1
        )
        select owner_id, label.amount, ledger.amount from label full join ledger using (owner_id)
        """
    )
    assert {owner for owner, *_ in rows} == {"data-platform", "search", "checkout"}
    for owner, label, amount in rows:
        assert abs(amount - label) <= label / 100, (owner, label, amount)
    methods = company.query(
        """
        select allocation_method, count(distinct allocated_resource_id), min(ratio), max(ratio) from (
            select *, sum(allocation_ratio) over (partition by origin_charge_key) as ratio from fact_cost
            where source = 'atlas' and resource_name = 'events'
        ) group by 1
        """
    )
    found = {
        method: (databases, round(least, 9), round(most, 9))
        for method, databases, least, most in methods
        if method
    }
    assert found == dict.fromkeys(("cluster-latency-v1", "cluster-measured-storage-v1"), (3, 1, 1))


def test_cost_without_evidence_stays_unowned(company: Company) -> None:
    assert company.query(
        "select sum(effective_cost) > 0 from owner_statement where attribution_type = 'unowned'"
    ) == [(True,)]


def test_owner_changes_on_the_day_of_the_handover(company: Company) -> None:
    handover = company.stage.world.handover
    rows = company.query(
        """
        select owner_id, min(cast(charge_period_start as date)), max(cast(charge_period_start as date))
        from fact_cost where resource_id like '%pricing-engine%' and source = 'aws' and evidence_kind = 'tag'
        group by 1
        """
    )
    spans = {owner: (first, last) for owner, first, last in rows}
    assert spans["checkout"][1] < handover <= spans["payments"][0]


def test_month_that_was_restated_after_it_closed_carries_its_refund(company: Company) -> None:
    rows = company.query(
        "select sum(billed_cost), min(charge_class) from fact_cost "
        "where source = 'aws' and billing_month = '2026-09' and charge_category = 'Adjustment' and billed_cost = -37.5 "
        "or origin_charge_key in (select origin_charge_key from fact_cost where charge_description = 'Refund of log ingestion')"
    )
    assert rows == [(Decimal("-37.500000000000"), "Correction")]


def test_restatement_gives_the_reason_of_each_change_by_account_and_service(company: Company) -> None:
    """AWS restated September after it closed. One delivery explains every cent of the change."""
    rows = company.query(
        """
        select reason, was_closed, service_name, sub_account_id, sum(billed_change), min(changed_slices)
        from fact_restatement where source = 'aws' and billing_month = '2026-09' and not is_between_owners
        group by all
        """
    )
    ((reason, was_closed, service, account, change, slices),) = rows
    assert (reason, was_closed, service, account) == ("delivery", True, "Amazon CloudWatch", PAYER)
    assert change == Decimal("-37.5")
    assert slices.startswith("cur|sample-cur2|2026-09: ") and slices.count(" -> ") == 1


def test_cost_revisions_explain_every_change_exactly_and_keep_earlier_amounts(company: Company) -> None:
    moved = company.query(
        """
        with last as (
            select source, billing_month, billing_currency, sum(billed_cost) as billed, sum(effective_cost) as effective
            from fact_cost group by all
        ),
        first as (
            select source, billing_month, billing_currency, sum(billed_change) as billed, sum(effective_change) as effective
            from fact_cost_revision where revision_number = 1 and billing_currency is not null group by all
        ),
        restated as (
            select source, billing_month, billing_currency, sum(billed_change) as billed, sum(effective_change) as effective
            from fact_restatement group by all
        )
        select last.source, last.billing_month,
            last.billed - first.billed - coalesce(restated.billed, 0),
            last.effective - first.effective - coalesce(restated.effective, 0)
        from last join first using (source, billing_month, billing_currency)
        left join restated using (source, billing_month, billing_currency)
        """
    )
    assert len(moved) > 20 and {row[2:] for row in moved} == {(0, 0)}
    assert company.query(
        "select max(revision_number) from fact_cost_revision where billing_month = '2026-10'"
    ) == [(2,)]
    assert company.query(
        "select max(revision_number) from fact_cost_revision where billing_month = '2026-07'"
    ) == [(1,)]


def test_tag_coverage_is_measured_on_taggable_cost(company: Company) -> None:
    ((effective, ways, taggable, tagged, unowned),) = company.query(
        """
        select sum(effective_cost), sum(directly_owned_cost + account_owned_cost + default_owned_cost + allocated_cost
            + unallocated_cost + unowned_cost), sum(taggable_cost), sum(tagged_cost), sum(unowned_cost)
        from ownership_coverage where source = 'aws'
        """
    )
    assert effective == ways and 0 < tagged < taggable < effective and 0 < unowned < taggable - tagged
    reasons = {row[0] for row in company.query("select distinct untaggable_reason from ownership_coverage")}
    assert reasons >= {
        None,
        "tax",
        "support",
        "fee",
        "unused commitment",
        "model of the vendor",
        "vendor has no tags",
    }


def test_month_with_an_agreement_is_net_and_still_adds_up_to_the_invoice(company: Company) -> None:
    rows = company.query(
        """
        select billing_month, sum(billed_cost), sum(effective_cost) from fact_cost
        where charge_description = 'Enterprise discount' or charge_description like '%rate card' group by 1 order by 1
        """
    )
    assert [row[0] for row in rows] == ["2026-06", "2026-07", "2026-08", "2026-09", "2026-10"]
    assert {row[1:] for row in rows[:-1]} == {(Decimal("-120.4"), Decimal("-120.4"))}
    assert rows[-1][1] < 0 and rows[-1][2] == 0
    ((list_cost, contracted, effective),) = company.query(
        "select sum(list_cost), sum(contracted_cost), sum(effective_cost) from fact_cost "
        "where billing_month = '2026-10' and service_name = 'Amazon S3' and charge_category = 'Usage'"
    )
    assert contracted == effective and abs(contracted - list_cost * Decimal("0.94")) < Decimal("0.000001")


def test_every_claim_of_aws_finds_its_owner(company: Company) -> None:
    """A resource by its ARN, a Bedrock inference profile and a commitment each have a rule."""
    found = company.query(
        """
        select split_part(evidence_value, '=', 1), owner_id, count(distinct resource_id), sum(effective_cost) > 0
        from fact_cost where source = 'aws' and ownership_rule_id in
            ('aws-resource-adopted', 'aws-profile-pictures', 'aws-savings-plan')
        group by all order by 1
        """
    )
    assert found == [
        ("aws_commitment", "infra", 0, True),
        ("aws_inference_profile", "growth", 1, True),
        ("aws_resource", "checkout", 1, True),
    ]
    claims = company.query(
        """
        select count(*) filter (claims like '%"aws_account_tag:team":"security"%'),
            count(*) filter (claims like '%"aws_principal_tag:application":"notebooks"%') from fact_cost
        """
    )
    assert min(claims[0]) > 0, claims


def test_unmetered_ai_spend_is_visible(company: Company) -> None:
    rows = company.query(
        "select ai_account, sum(effective_cost) > 0 from fact_cost where telemetry_status = 'unmetered' group by 1"
    )
    assert ("proj_research", True) in rows


def test_provider_costs_other_than_completions_have_owners(company: Company) -> None:
    """By a workspace's tag, a project and a workspace. The priority tier is usage without a cost."""
    rows = company.query(
        """
        select source, charge_description, owner_id, evidence_kind from fact_cost
        where source = 'openrouter' or charge_description in ('Code Execution Usage', 'web search tool calls')
            or ai_model = 'text-embedding-3-small'
        group by all
        """
    )
    assert {(row[0], row[2]) for row in rows} == {
        ("openrouter", "growth"),
        ("anthropic", "data-platform"),
        ("openai", "ml-platform"),
    }
    assert {row[3] for row in rows if row[0] == "anthropic"} == {"tag"}
    assert company.query(
        "select min(committed_tokens) > 0, bool_and(committed_tokens = unmetered_tokens), sum(excess_gateway_tokens), "
        "sum(coalesce(billed_cost, 0)) from llm_capture_by_key where key_id = 'apikey_eval'"
    ) == [(True, True, 0, 0)]


def test_leaked_key_shows_with_its_cost(company: Company) -> None:
    rows = company.query(
        "select key_id, key_owner_id, sum(unmetered_cost), sum(billed_cost), sum(gateway_tokens) "
        "from llm_capture_by_key where unmetered_cost > 0 and provider = 'openai' group by all"
    )
    ((key, holder, unmetered, billed, seen),) = rows
    assert (key, holder, seen) == ("key_research", "svc_research", 0) and unmetered == billed > 0


def test_ai_dollars_are_owned_or_allocated_and_right(company: Company) -> None:
    """The providers' dollars, and Bedrock's on the AWS bill: the gateway's requests, a notebook, and pictures."""
    world = company.stage.world
    on_the_bill = [
        line["identity_line_item_id"]
        for day in world.days(company.as_of)
        for line, _, _ in (*bedrock_lines(world, day), picture_line(world, day))
    ]
    labels = company.stage.folder / "labels" / "owners.parquet"
    is_ai = (
        "(source in ('openai', 'anthropic', 'openrouter', 'llm_gateway') or vendor_charge_id in "
        f"({', '.join(repr(identity) for identity in on_the_bill)}))"
    )
    rows = company.query(
        f"""
        with ledger as (
            select source, vendor_charge_id, owner_id, sum(effective_cost) as amount from fact_cost group by all
        ),
        totals as (
            select source, sum(amount) filter (owner_id <> 'unowned') as owned, sum(amount) as everything
            from ledger where {is_ai} group by all
        ),
        judged as (
            select source, sum(least(labels.amount, coalesce(ledger.amount, 0))) as fitting, sum(labels.amount) as labelled
            from read_parquet('{labels}') as labels
            left join ledger using (source, vendor_charge_id, owner_id)
            where labels.enough_evidence and {is_ai}
            group by all
        )
        select source, owned, everything, fitting, labelled from totals join judged using (source)
        """
    )
    assert {row[0] for row in rows} == {"openai", "anthropic", "openrouter", "llm_gateway", "aws"}
    # Per bill, so that a large bill cannot hide an error in a small one.
    for source, owned, everything, fitting, labelled in rows:
        assert owned / everything >= Decimal("0.97"), (source, owned, everything)
        assert fitting / labelled >= Decimal("0.99"), (source, fitting, labelled)


def test_bedrock_is_counted_once_on_the_aws_bill_and_split_over_the_gateway_s_requests(company: Company) -> None:
    world, as_of = company.stage.world, company.as_of
    billed = sum(
        Decimal(repr(line["line_item_unblended_cost"]))
        for day in world.days(as_of)
        for line, _, _ in bedrock_lines(world, day)
    )
    assert billed > 0
    rows = company.query(
        """
        select telemetry_status, evidence_kind, owner_id, source, sum(effective_cost)
        from fact_cost where ai_provider = 'bedrock' group by all
        """
    )
    assert sum(row[4] for row in rows) == billed and {row[3] for row in rows} == {"aws"}
    metered = {row[2] for row in rows if row[0] == "metered"}
    assert len(metered) > 3, "the gateway's teams"
    # The notebook has neither tags nor its own account. A pattern on its IAM principal decides.
    assert {row[1:3] for row in rows if row[0] == "unmetered"} == {("name_pattern", "data-platform")}


def test_batches_have_the_batch_price(company: Company) -> None:
    rows = company.query(
        """
        select ai_service_tier, list_unit_price, count(distinct workflow_id), max(workflow_id)
        from fact_cost where source = 'anthropic' and ai_model = 'claude-haiku-4-5' and ai_token_class = 'output'
        group by all
        """
    )
    prices = {tier: (price, workflows, last) for tier, price, workflows, last in rows}
    assert prices["batch"] == (Decimal("2.5"), 1, "nightly-eval")
    assert prices["standard"][0] == 5 and prices["standard"][1] > 1


def test_model_without_a_price_is_unpriced_and_its_bill_has_an_owner(company: Company) -> None:
    assert company.query(
        "select distinct model_id from fact_llm_request where pricing_status = 'unpriced' order by 1"
    ) == [("gpt-5-sample-preview",), (LAB_MODEL,)]
    assert company.query(
        "select sum(effective_cost) > 0, count(*) filter (owner_id = 'unowned') from fact_cost "
        "where ai_model = 'gpt-5-sample-preview'"
    ) == [(True, 0)]


def test_list_price_of_a_request_equals_the_gateway_s_and_unit_economics_add_up_to_the_bill(
    company: Company,
) -> None:
    """Also for batches and Bedrock's regional prices. All months have one price book."""
    assert company.query(
        "select count(*) > 0, count(*) filter (computed_list_cost <> reported_cost) from fact_llm_request "
        "where pricing_status = 'priced'"
    ) == [(True, 0)]
    assert company.query(
        "select count(distinct price_book_version), bool_or(is_superseded) from llm_price_revision"
    ) == [(1, False)]
    (metered,) = company.query("select sum(billed_cost) from llm_unit_economics")
    assert [metered] == company.query("select sum(billed_cost) from fact_cost where telemetry_status = 'metered'")


def test_requests_of_all_logs_are_there_once_including_late_ones(company: Company) -> None:
    """Hourly files, one object per request, and MongoDB. Files that arrive five days late explain their bill."""
    world, as_of = company.stage.world, company.as_of
    truth = [request for day in world.days(as_of) for request in requests(world, day)]
    odd = [record for day in world.days(as_of) for record in odd_records(world, day)]
    ((unreadable,),) = company.query("select count(*) from rejected_record where source = 'llm_gateway'")
    assert 0 < unreadable < len(odd)
    assert company.query("select count(*) from fact_llm_request") == [(len(truth) + len(odd) - unreadable,)]
    assert company.query("select count(*) from fact_llm_request where source_system = 'mongodb'") == [
        (sum(not request.is_through_gateway for request in truth),)
    ]
    assert late_day(world) < as_of
    assert company.query(
        "select sum(unmetered_tokens), sum(excess_gateway_tokens) from llm_capture "
        f"where gateway_tokens > 0 and provider not in ('groq', '{LAB}')"  # they have no usage report
    ) == [(0, 0)]


def test_other_spellings_of_a_request_and_odd_records_are_what_they_are(company: Company) -> None:
    """What real systems write: cached tokens beside the input, counts that don't add up, records that can't be read."""
    statuses = dict(
        company.query(
            "select usage_status, count(*) from fact_llm_request where usage_status is not null group by all"
        )
    )
    assert statuses.keys() == {"as_documented", "other_reading", "disputed"} and statuses["other_reading"] > 100
    assert company.query("select distinct model_id from fact_llm_request where usage_status = 'disputed'") == [
        (LAB_MODEL,)
    ]
    assert company.query("select distinct provider from fact_llm_request order by 1") == [
        ("anthropic",), ("bedrock",), ("groq",), ("openai",), (LAB,),
    ]  # fmt: skip
    # A profile of Bedrock's is the model that the registry names, an alias the one that it stands for.
    named = company.query(
        "select count(*), count(distinct model_id) from fact_llm_request where request_model like '%arn:%'"
    )
    assert named[0][0] > 50 and named[0][1] == 2, named
    assert company.query("select count(*) from fact_llm_request where model_id like '%profile%'") == [(0,)]
    assert company.query(f"select count(*) from fact_llm_request where model_id = '{ALIAS}'") == [(0,)]
    aside = company.query("select source, count(*), sum(billed_cost) from rejected_record group by 1 order by 1")
    assert [(source, cost) for source, _, cost in aside] == [("atlas", 0), ("llm_gateway", None), ("vercel", 0)]
    # A unit without an amount of it is left out; the money stays.
    assert company.query(
        f"select distinct pricing_unit, pricing_quantity, list_unit_price, billed_cost > 0 from fact_cost "
        f"where sku_id = 'AWSDataTransfer/{NO_AMOUNT}'"
    ) == [(None, None, None, True)]


def test_signed_identities_are_evidence_and_refused_ones_are_counted(company: Company) -> None:
    """Compares every request of a signing service with the truth about its signature. A stolen token invalidates the day of the
    theft."""
    world, as_of = company.stage.world, company.as_of
    truth: Counter[str] = Counter()
    for day in world.days(as_of):
        logged = [request for request in requests(world, day) if request.is_through_gateway]
        is_theft = any(standing(world, request) == "stolen" for request in logged)
        for request in logged:
            found = standing(world, request)
            if found == "signed":
                truth["replayed" if is_theft else "verified"] += 1
            elif found != "none":
                truth[{"stolen": "replayed", "expired": "expired"}.get(found, found)] += 1
    assert all(truth[name] for name in ("verified", "expired", "forged", "unsigned", "replayed"))
    counted = dict(
        company.query(
            """
            select case identity_status when 'refused' then actor_status else identity_status end, count(*)
            from fact_llm_request where actor_status is not null group by all
            """
        )
    )
    assert counted == {
        "verified": truth["verified"],
        "expired": truth["expired"],
        "bad_signature": truth["forged"],
        "alg_refused": truth["unsigned"],
        "replayed": truth["replayed"],
    }
    assert dict(company.query("select reason, sum(request_count) from llm_identity_refusal group by all")) == {
        name: count for name, count in counted.items() if name != "verified"
    }
    # The actor owns the cost of a verified identity. Other evidence decides the owner of a refused one.
    proven = "select sum(billed_cost) from fact_cost where evidence_kind = 'verified_actor' and actor_id = 'support-bot'"
    assert company.query(proven) == company.query(
        "select sum(billed_cost) from llm_identity where identity_status = 'verified'"
    )
    refused = "select distinct evidence_kind, owner_id from fact_llm_request where identity_status = 'refused'"
    assert company.query(refused) == [("managed_key", "support")]
    # Every AI dollar has one identity status.
    assert company.query("select sum(billed_cost) from llm_identity") == company.query(
        "select sum(billed_cost) from fact_cost where ai_provider is not null"
    )


def test_no_signature_is_in_the_lake(company: Company) -> None:
    for file in (company.home / "lake" / "raw_llm_gateway" / "llm_requests").glob("*.parquet"):
        found = duckdb.sql(f"select count(*) from (from '{file}') as t where contains(cast(t as varchar), 'eyJ')")
        assert found.fetchall() == [(0,)], file


def test_shared_key_has_a_suggested_split_that_adds_up(company: Company) -> None:
    keys = company.query(
        "select key_alias, count(*), sum(suggested_share), count(distinct workflow_id) from llm_shared_key group by all"
    )
    assert ("support-bot-prod", 4, Decimal(1), 4) in keys
    assert {row[2] for row in keys} == {Decimal(1)} and not [row for row in keys if row[1] < 2]


def test_no_prompt_reaches_lake_or_marts(company: Company) -> None:
    for file in (company.home / "lake" / "raw_llm_gateway" / "llm_requests").glob("*.parquet"):
        content = file.read_bytes()
        assert b"redacted-by-litellm" not in content and PROMPT.encode() not in content


def test_focus_view_passes_the_focus_validator(company: Company, tmp_path: Path) -> None:
    months = company.home / "published" / "parquet" / "focus_cost_and_usage_1_4"
    exported = tmp_path / "focus_cost_and_usage_1_4.parquet"
    # A line without an amount has no unit price, which this validator misses where there is a SKU price id.
    duckdb.sql(
        f"copy (select * from read_parquet('{months}/*.parquet') where SkuId is distinct from "
        f"'AWSDataTransfer/{NO_AMOUNT}') to '{exported}'"
    )
    validator = Path(sys.executable).with_name("focus-toolkit")
    done = subprocess.run(
        [str(validator), "validate", str(exported), "--dataset", "cost-and-usage"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_focus_views_have_the_columns_of_their_versions(company: Company) -> None:
    counts = dict(
        company.query(
            "select view_name, column_count from duckdb_views() where view_name like 'focus_cost_and_usage%'"
        )
    )
    assert counts == {
        "focus_cost_and_usage_1_2": 57,
        "focus_cost_and_usage_1_3": 65,
        "focus_cost_and_usage_1_4": 65,
    }


def test_second_refresh_changes_nothing_and_readers_are_not_disturbed(company: Company) -> None:
    """Neither a refresh that finds nothing new and leaves the ledger alone, nor one that builds all of it again."""
    before = company.marts()
    with Reader(company) as reader:
        left_alone = company.refresh()
        assert "nothing new was delivered" in left_alone, left_alone[-2000:]
        assert_same(company.marts(), before)
        (company.home / "dbt_target" / "published_of.json").unlink()
        built = company.refresh()
        assert "nothing new was delivered" not in built, built[-2000:]
        assert_same(company.marts(), before)
    warnings = [
        sorted(line for line in output.splitlines() if "check failed" in line) for output in (left_alone, built)
    ]
    assert warnings[0] == warnings[1] and len(warnings[0]) > 1, "warnings stay while nothing changes"
    assert not reader.errors and reader.reads > 0


def costowner(company: Company, *arguments: str) -> Any:
    """The JSON output of a command that reads the publication."""
    done = subprocess.run(
        [sys.executable, "-m", "orchestration", *arguments, "--json"],
        env=company.environment,
        cwd=PROJECT_ROOT,
        text=True,
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_rules_explain_every_charge_as_the_ledger_decided_it(company: Company) -> None:
    """Compares Python, which explains, with SQL, which decides, for every combination of claims and day in the ledger."""
    files = (company.home / "lake" / "raw_registry" / "ownership_rules").glob("*.parquet")
    newest = max(files, key=load_of)
    rules = Rules(Rule.of(row) for row in pq.read_table(newest, partitioning=None).to_pylist())
    decided = company.query(
        "select distinct claims, cast(charge_period_start as date), ownership_rule_id from fact_cost"
    )
    assert len(decided) > 10_000
    for claims, day, rule_id in decided:
        ranked = rules.ranked(json.loads(claims), day)
        assert (ranked[0].rule.rule_id if ranked else None) == rule_id, (claims, day)


def test_charge_is_explained_from_its_claims_to_its_delivery(company: Company) -> None:
    ((key, owner, cost),) = company.query(
        "select charge_key, owner_id, effective_cost from fact_cost where ownership_rule_id = 'aws-team-tag' "
        'and claims like \'%"aws_account":"110000000001"%\' order by effective_cost desc, charge_key limit 1'
    )
    (found,) = costowner(company, "explain", key)
    assert (found["owner_id"], Decimal(found["costs"]["effective_cost"])) == (owner, cost)
    assert [(rule["rule_id"], rule["lost_because"]) for rule in found["rules"]] == [
        ("aws-team-tag", None),
        ("aws-account-search", "priority 50 is before 100"),
    ]
    assert found["delivery"]["slice_id"].startswith("cur|sample-cur2|2026-")
    assert [Path(file).parent.name for file in found["delivery"]["files"]] == ["cost_and_usage_report"]
    # A gateway's shared key: the charge is split by requests, then by the pool.
    ((pooled,),) = company.query(
        "select min(charge_key) from fact_cost where pool_owner_id = 'llm-shared' and telemetry_status = 'metered'"
    )
    (found,) = costowner(company, "explain", pooled)
    assert [step.split(" ")[0] for step in found["steps"]] == ["split", "shared"]


def test_registry_check_finds_no_error_and_the_cost_that_nobody_declared(company: Company) -> None:
    found = costowner(company, "registry", "check")
    assert found["errors"] == [] and not [line for line in found["warnings"] if "never wins" in line]
    unowned = {(claim["kind"], claim["value"]) for claim in found["claims_without_a_rule"] if claim["unowned"]}
    # The sample company does not declare its scratch cluster and the project of a hack day.
    assert {("atlas_cluster_name", "scratch"), ("vercel_project", "prj_hackday")} <= unowned


def test_doctor_finds_the_installation_sound(company: Company) -> None:
    states = {finding["name"]: finding["state"] for finding in costowner(company, "doctor")}
    assert set(states.values()) == {"ok"}, states


def test_parquet_has_as_many_rows_as_the_database(company: Company) -> None:
    for (name,) in company.query("select table_name from duckdb_tables()"):
        files = company.home / "published" / "parquet" / name / "*.parquet"
        assert duckdb.sql(f"select count(*) from read_parquet('{files}')").fetchall() == company.query(
            f'select count(*) from "{name}"'
        )


def test_no_secret_is_in_output_lake_or_publication(company: Company) -> None:
    secrets = [
        value
        for name, value in company.stage.environment.items()
        if any(word in name for word in ("TOKEN", "SECRET", "KEY"))
    ]
    assert len(secrets) >= 4
    for output in company.outputs:
        assert not [secret for secret in secrets if secret in output]
    for file in (company.home / "lake").rglob("*.jsonl"):
        assert not [secret for secret in secrets if secret in file.read_text()]


def test_every_column_of_the_ledger_has_lineage(company: Company) -> None:
    with dg.DagsterInstance.from_config(str(company.home / "dagster")) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(["marts", "fact_cost"]))
        staged = instance.get_latest_materialization_event(dg.AssetKey(["staging", "stg_vercel__charges"]))
    assert event is not None and event.asset_materialization is not None
    assert staged is not None and staged.asset_materialization is not None
    lineage = event.asset_materialization.metadata["dagster/column_lineage"].value
    raw = staged.asset_materialization.metadata["dagster/column_lineage"].value
    assert isinstance(lineage, dg.TableColumnLineage) and isinstance(raw, dg.TableColumnLineage)
    assert all(lineage.deps_by_column.values()) and len(lineage.deps_by_column) > 90
    table = event.asset_materialization.metadata["where columns come from"].value
    assert "| `billed_cost` | `intermediate/int_charges__allocated.billed_cost` |" in str(table)
    assert raw.deps_by_column["billed_cost"] == [
        dg.TableColumnDep(asset_key=dg.AssetKey(["raw_vercel", "charges"]), column_name="billed_cost")
    ]


def described_and_built(company: Company) -> dict[str, tuple[set[str], set[str]]]:
    """The columns that each model's YAML describes, and the columns that the model has."""
    home = Home(company.home)
    nodes = json.loads(Engine(DUCKDB).manifest(home).read_text())["nodes"].values()
    built: dict[tuple[str, str], set[str]] = defaultdict(set)
    with duckdb.connect(str(home.warehouse), read_only=True) as warehouse:
        for schema, table, column in warehouse.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
        ).fetchall():
            built[schema, table].add(column)
    return {
        node["name"]: (set(node["columns"]), built[node["schema"], node["name"]])
        for node in nodes
        if node["resource_type"] == "model"
    }


def test_yaml_describes_exactly_the_columns_that_each_model_has(company: Company) -> None:
    columns = described_and_built(company)
    problems = [
        f"{model}: not described {sorted(built - described)}, no longer there {sorted(described - built)}"
        for model, (described, built) in columns.items()
        if described != built or not built
    ]
    assert columns and not problems, "\n".join(problems)


def test_sql_unit_tests_pass(company: Company) -> None:
    environment = {
        **company.environment,
        "COSTOWNER_LAKE_PATH": str(company.home / "lake"),
        "COSTOWNER_WAREHOUSE": str(company.home / "warehouse.duckdb"),
    }
    done = subprocess.run(
        [
            *(
                str(Path(sys.executable).with_name("dbt")),
                "test",
                "--select",
                "test_type:unit",
                "--profiles-dir",
                ".",
            ),
            *("--target-path", str(company.home / "unit_target"), "--log-path", str(company.home / "unit_logs")),
        ],
        cwd=PROJECT_ROOT / "dbt_project",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "PASS=" in done.stdout, done.stdout[-3000:]


def test_no_code_reads_the_labels() -> None:
    for folder in ("ingestion", "dbt_project/models", "dbt_project/macros", "orchestration"):
        for file in (PROJECT_ROOT / folder).rglob("*"):
            if file.suffix in (".py", ".sql", ".yml"):
                assert "owners.parquet" not in file.read_text()


def test_no_model_compares_each_row_with_each(company: Company) -> None:
    """DuckDB hashes an outer join only where each condition equates both sides; else it compares all pairs of rows."""
    compiled = company.home / "dbt_target" / "compiled" / "costowner" / "models"
    slow, explained = [], 0
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{company.home / 'warehouse.duckdb'}' as warehouse (read_only)")
        connection.execute("use warehouse")
        for model in sorted(compiled.rglob("*.sql")):
            if model.parent.suffix != ".yml":
                plan = connection.execute(f"explain {model.read_text()}").fetchall()[-1][1]
                explained += 1
                slow += [model.stem] if "BLOCKWISE_NL_JOIN" in plan else []
    assert explained > 150 and not slow, f"a left join with a condition of one side, an `or` or an `in`: {slow}"

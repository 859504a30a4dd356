"""docs/aws.md held against the calls that the code makes: each is allowed, and what is allowed is made.

`tests/end_to_end/test_s3.py` lets a real server enforce the same policy; here the calls are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import botocore.session
import jmespath
import pytest
from botocore.validate import validate_parameters
from moto.server import ThreadedMotoServer

from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.aws import SOURCE
from ingestion.sources.aws.shape import REQUIRED
from ingestion.sources.aws.source import AwsSettings
from sample_company.aws.export import EXPORT, write_export
from sample_company.world import World
from tests.guide import GUIDE, guide_json, guide_text, reader_policy

NOW = datetime(2026, 10, 7, 6, tzinfo=UTC)
WINDOW = Window(Month(2026, 9), Month(2026, 10))
# What IAM calls an operation of S3 (service authorization reference, "Actions defined by Amazon S3").
ACTIONS = {"ListObjectsV2": "s3:ListBucket", "GetObject": "s3:GetObject"}

Call = tuple[str, str, dict[str, str]]


def asked(operation: str, parameters: dict[str, Any]) -> Call:
    """An operation as IAM sees it: action, resource, condition keys."""
    bucket = f"arn:aws:s3:::{parameters['Bucket']}"
    if "Key" in parameters:
        return ACTIONS[operation], f"{bucket}/{parameters['Key']}", {}
    return ACTIONS[operation], bucket, {"s3:prefix": parameters.get("Prefix", "")}


def allows(statement: dict[str, Any], call: Call) -> bool:
    """Whether one Allow statement of the guide's kind covers a call."""
    action, resource, context = call
    conditions = statement.get("Condition", {})
    assert statement["Effect"] == "Allow" and conditions.keys() <= {"StringLike"}
    return (
        statement["Action"] == action
        and fnmatchcase(resource, statement["Resource"])
        and all(
            fnmatchcase(context.get(key, ""), wanted) for key, wanted in conditions.get("StringLike", {}).items()
        )
    )


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def calls(moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """What is asked of S3 by a first landing, one that finds nothing new, and one whose delivery lacks a file."""
    write_export(World(7, date(2026, 10, 6)), date(2026, 10, 7), tmp_path / "exports")
    s3 = boto3.client("s3", endpoint_url=moto, region_name="us-east-1")
    s3.create_bucket(Bucket="bills")
    files = [file for file in sorted((tmp_path / "exports").rglob("*")) if file.is_file()]
    for file in files:
        s3.upload_file(str(file), "bills", file.relative_to(tmp_path).as_posix())

    made: list[Call] = []
    call = botocore.client.BaseClient._make_api_call

    def counted(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        made.append(asked(operation, parameters))
        return call(client, operation, parameters)

    settings = AwsSettings(f"s3://bills/exports/{EXPORT}", endpoint_url=moto)
    with monkeypatch.context() as patch:
        patch.setattr("botocore.client.BaseClient._make_api_call", counted)
        assert land(Home(tmp_path / "home"), SOURCE, settings, WINDOW, NOW).states == {"delivered": 2}
        assert land(Home(tmp_path / "home"), SOURCE, settings, WINDOW, NOW).states == {"unchanged": 2}
    (october,) = [file for file in files if "/data/BILLING_PERIOD=2026-10" in file.as_posix()]
    s3.delete_object(Bucket="bills", Key=october.relative_to(tmp_path).as_posix())
    with monkeypatch.context() as patch:
        patch.setattr("botocore.client.BaseClient._make_api_call", counted)
        landing = land(Home(tmp_path / "another"), SOURCE, settings, WINDOW, NOW)
        assert landing.states == {"delivered": 1, "refused": 1} and "it is not there" in landing.refused[0][1]
    return made


def test_every_call_is_allowed_by_the_readers_policy_and_every_statement_is_needed(calls: list[Call]) -> None:
    statements = reader_policy("bills", f"exports/{EXPORT}")["Statement"]
    assert len(calls) > 10
    for call in calls:
        assert any(allows(statement, call) for statement in statements), call
    for statement in statements:
        assert any(allows(statement, call) for call in calls), statement
    for another in (
        ("s3:GetObject", "arn:aws:s3:::bills/exports/another/data/x", {}),
        ("s3:GetObject", f"arn:aws:s3:::another/exports/{EXPORT}/x", {}),
        ("s3:ListBucket", "arn:aws:s3:::bills", {"s3:prefix": "exports/"}),
        ("s3:ListBucket", "arn:aws:s3:::bills", {}),
        ("s3:PutObject", f"arn:aws:s3:::bills/exports/{EXPORT}/x", {}),
    ):
        assert not any(allows(statement, another) for statement in statements), another


def test_delivery_policy_lets_only_aws_write_and_only_for_the_payer() -> None:
    (statement,) = guide_json("The bucket's policy", bucket="bills", account="111111111111")["Statement"]
    assert all(service.endswith(".amazonaws.com") for service in statement["Principal"]["Service"])
    assert set(statement["Action"]) == {"s3:PutObject", "s3:GetBucketPolicy"}
    assert set(statement["Resource"]) == {"arn:aws:s3:::bills", "arn:aws:s3:::bills/*"}
    condition = statement["Condition"]["StringLike"]
    assert condition["aws:SourceAccount"] == "111111111111"
    assert all(":111111111111:" in source for source in condition["aws:SourceArn"])


def test_role_is_trusted_by_one_role_with_its_external_id_and_gives_nothing_else() -> None:
    names = {"account": "111111111111", "runner_account": "222222222222", "external_id": "costowner-7"}
    (trust,) = guide_json("A reader in another account", **names)["Statement"]
    (permission,) = guide_json("Permission to assume it", **names)["Statement"]
    assert trust["Action"] == permission["Action"] == "sts:AssumeRole"
    assert trust["Principal"] == {"AWS": "arn:aws:iam::222222222222:role/costowner"}
    assert f"role_arn = {permission['Resource']}" in guide_text("Permission to assume it", "ini", **names)
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "costowner-7"}}


def test_kms_permission_is_to_decrypt_one_key_through_s3() -> None:
    names = {"region": "eu-west-1", "account": "111111111111", "key_id": "1234abcd"}
    statement = guide_json("Permission to decrypt", **names)
    assert (statement["Effect"], statement["Action"]) == ("Allow", "kms:Decrypt")
    assert statement["Resource"] == "arn:aws:kms:eu-west-1:111111111111:key/1234abcd"
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}


def test_export_of_the_guide_is_what_the_api_takes_and_has_the_columns_that_are_needed() -> None:
    api = botocore.session.get_session().get_service_model("bcm-data-exports")
    schema = {"Schema": [{"Name": name} for name in REQUIRED]}
    commands = guide_text("The export", "sh")
    query = commands.split('--query "')[1].split('"')[0]
    columns = jmespath.search(query, schema)
    assert columns == ", ".join(REQUIRED)

    names = {"export": "costs", "bucket": "bills", "prefix": "exports", "region": "eu-west-1", "columns": columns}
    export = guide_json("export.json", **names)
    validate_parameters({"Export": export}, api.operation_model("CreateExport").input_shape)
    assert export["DataQuery"]["QueryStatement"] == f"SELECT {columns} FROM COST_AND_USAGE_REPORT"
    output = api.shape_for("S3OutputConfigurations").members
    for name, value in export["DestinationConfigurations"]["S3Destination"]["S3OutputConfigurations"].items():
        assert value in output[name].enum
    # The table's properties that say which columns there are, are the export's.
    (configuration,) = export["DataQuery"]["TableConfigurations"].values()
    given = [
        line.removeprefix("properties=").replace("$properties,", "")
        for line in commands.splitlines()
        if line.startswith("properties=")
    ]
    assert dict(pair.split("=") for line in given for pair in line.split(",")) == configuration


def test_guide_names_every_setting_of_the_source() -> None:
    text = GUIDE.read_text()
    assert [name.name for name in fields(AwsSettings) if f"sources.aws.{name.name}" not in text] == []

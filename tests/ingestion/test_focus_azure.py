"""Azure's runs: a newer run replaces runs of its own export only, and what can't be kept apart stops its period alone."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.ingestion.test_focus import HEADER, landed, line, rows, write

SCOPE = "/subscriptions/{}/providers/Microsoft.CostManagement/exports/{}"
RUN = "11111111-0000-0000-0000-{:012d}"


def month_of(folder: str) -> str:
    """The billing period that a folder of days is of."""
    days = re.search(r"(\d{4})(\d\d)\d\d-\d{8}", folder)
    assert days
    return f"{days.group(1)}-{days.group(2)}-01T00:00:00Z"


def run(
    root: Path,
    folder: str,
    cost: str,
    number: int,
    *,
    config: Any = None,
    info: Any = None,
    blobs: Any = None,
    sub_account: str | None = None,
) -> Path:
    """A run's folder with one charge and its manifest; `info` None leaves the time out."""
    charge, header = line(cost, month_of(folder)), HEADER
    if sub_account:
        charge, header = f"{charge},{sub_account}", f"{header},SubAccountId"
    file = write(root / "bills", f"{folder}/{RUN.format(number)}/part_0.csv", charge, header=header)
    parts = {"exportConfig": config, "runInfo": info, "blobs": blobs}
    manifest = {name: part for name, part in parts.items() if part is not None}
    (file.parent / "manifest.json").write_text(json.dumps(manifest))
    return file.parent


def named(scope: str, name: str) -> dict[str, str]:
    return {"exportName": name, "resourceId": SCOPE.format(scope, name)}


def at(day: int, first: str = "2026-10-01T00:00:00", last: str = "2026-10-31T00:00:00") -> dict[str, str]:
    # Azure writes seven digits of a second, and leaves out those that are 0.
    return {"submittedTime": f"2026-11-{day:02d}T06:00:00.1032074Z", "startDate": first, "endDate": last}


def billed(root: Path) -> Decimal:
    return sum((cost for (cost,) in rows(root, "billed_cost")), Decimal(0))


@pytest.mark.parametrize("by", ["resource", "name", "folder"])
@pytest.mark.parametrize(
    "layout",
    [
        "{export}/20261001-20261031",
        "20261001-20261031/{export}",
        "{export}/20261001-20261031/2026110{day}0600",
        "20261001-20261031/{export}/2026110{day}0600",
    ],
)
def test_runs_supersede_runs_of_the_same_export_only(tmp_path: Path, by: str, layout: str) -> None:
    for (number, scope), day in product(enumerate(("aaaa", "bbbb"), start=1), (1, 2)):
        config = {
            "resource": named(scope.upper() if day == 1 else scope, "focus"),
            "name": {"exportName": f"focus-{scope}"},
            "folder": None,
        }
        folder = layout.format(export=f"{scope}/focus", day=day)
        run(tmp_path, folder, str(number * 10 + day), number * 10 + day, config=config[by], info=at(day))
    assert landed(tmp_path).states == {"delivered": 1}
    assert billed(tmp_path) == 12 + 22


def test_runs_of_other_days_of_one_export_all_count(tmp_path: Path) -> None:
    weeks = (("01", "07"), ("08", "14"))
    for number, (first, last) in enumerate(weeks, start=1):
        info = at(number, f"2026-10-{first}T00:00:00", f"2026-10-{last}T00:00:00")
        run(tmp_path, f"x/202610{first}-202610{last}", "5", number, config=named("a", "x"), info=info)
    assert landed(tmp_path).states == {"delivered": 1} and billed(tmp_path) == 10


def test_run_to_date_is_replaced_by_a_later_one_of_more_days(tmp_path: Path) -> None:
    for day in (5, 6, 7):
        info = at(day, last=f"2026-10-{day:02d}T00:00:00")
        run(tmp_path, "x/20261001-20261031", str(day), day, config=named("a", "x"), info=info)
    assert landed(tmp_path).states == {"delivered": 1} and billed(tmp_path) == 7


@pytest.mark.parametrize("content", ["", "{", "null", "[]", '{"exportConfig": null, "runInfo": "later"}', "{}"])
def test_half_written_manifest_stops_its_own_period_at_most(tmp_path: Path, content: str) -> None:
    lone = run(tmp_path, "y/20260901-20260930", "3", 3)
    first = run(tmp_path, "x/20261001-20261031", "1", 1, config=named("a", "x"), info=at(1))
    half = run(tmp_path, "x/20261001-20261031", "2", 2)
    for folder in (lone, half):
        (folder / "manifest.json").write_text(content)
    landing = landed(tmp_path)
    assert landing.states == {"delivered": 1, "refused": 1}
    (refused,) = landing.refused
    assert refused[0] == "dwh|2026-10" and "has no runInfo.submittedTime" in refused[1]
    assert all(f"{folder}/manifest.json" in refused[1] for folder in (first, half))


@pytest.mark.parametrize(
    ("configs", "infos", "why"),
    [
        ((named("a", "old"), named("a", "new")), (at(1), at(2)), "two exports of one scope"),
        ((named("a", "x"),) * 2, (at(1), at(2, last="2026-10-20T00:00:00")), "the newer one leaves some out"),
        ((named("a", "x"),) * 2, (at(1), {**at(2), "submittedTime": "soon"}), "no runInfo.submittedTime"),
    ],
)
def test_runs_that_can_not_be_kept_apart_refuse_their_period_by_name(
    tmp_path: Path, configs: Any, infos: Any, why: str
) -> None:
    folders = [
        run(tmp_path, f"x{number}/20261001-20261031", "1", number, config=config, info=info)
        for number, (config, info) in enumerate(zip(configs, infos, strict=True))
    ]
    run(tmp_path, "y/20260901-20260930", "3", 3)
    landing = landed(tmp_path)
    assert landing.states == {"delivered": 1, "refused": 1} and why in landing.refused[0][1]
    assert all(f"{folder}/manifest.json" in landing.refused[0][1] for folder in folders)


def test_run_without_its_manifest_is_still_being_written(tmp_path: Path) -> None:
    run(tmp_path, "x/20261001-20261031", "1", 1, config=named("a", "x"), info=at(1))
    (run(tmp_path, "x/20261001-20261031", "2", 2) / "manifest.json").unlink()
    assert landed(tmp_path).states == {"delivered": 1} and billed(tmp_path) == 1


def test_files_without_any_manifest_all_count(tmp_path: Path) -> None:
    for number, folder in enumerate(("x/20261001-20261031", "y/20261001-20261031"), start=1):
        (run(tmp_path, folder, "1", number) / "manifest.json").unlink()
    assert landed(tmp_path).states == {"delivered": 1} and billed(tmp_path) == 2


def test_file_that_a_runs_manifest_names_and_is_absent_refuses_the_period(tmp_path: Path) -> None:
    blobs = [{"blobName": f"elsewhere/x/part_{part}.csv"} for part in (0, 1)]
    folder = run(tmp_path, "x/20261001-20261031", "1", 1, config=named("a", "x"), info=at(1), blobs=blobs)
    (refused,) = landed(tmp_path).refused
    assert refused[1].startswith(f"{folder}/manifest.json: it names 1 files that are not there")


def test_part_that_the_newest_manifest_does_not_name_is_of_an_earlier_run(tmp_path: Path) -> None:
    """An export that overwrites leaves the parts that an earlier, larger run had."""
    blobs = [{"blobName": "elsewhere/x/part_0.csv"}]
    folder = run(tmp_path, "x/20261001-20261031", "7", 1, config=named("a", "x"), info=at(1), blobs=blobs)
    write(folder, "part_1.csv", line("7"))
    assert landed(tmp_path).states == {"delivered": 1} and billed(tmp_path) == 7


def test_run_of_which_no_named_file_is_there_refuses_its_period_and_loses_nothing_in_silence(
    tmp_path: Path,
) -> None:
    """A copy that unpacked the files, say: the manifest names part_0.csv.gz."""
    blobs = [{"blobName": "elsewhere/x/part_0.csv.gz"}]
    folder = run(tmp_path, "x/20261001-20261031", "7", 1, config=named("a", "x"), info=at(1), blobs=blobs)
    run(tmp_path, "y/20260901-20260930", "3", 3)
    landing = landed(tmp_path)
    ((slice_id, message),) = landing.refused
    assert slice_id == "dwh|2026-10" and message.startswith(f"{folder}/manifest.json: it names 1 files")
    assert landing.states == {"delivered": 1, "refused": 1}


def test_run_that_delivered_no_file_replaces_none(tmp_path: Path) -> None:
    run(tmp_path, "x/20261001-20261031", "7", 1, config=named("a", "x"), info=at(1))
    empty = run(tmp_path, "x/20261001-20261031", "0", 2, config=named("a", "x"), info=at(2), blobs=[])
    (empty / "part_0.csv").unlink()
    assert landed(tmp_path).states == {"delivered": 1} and billed(tmp_path) == 7


def test_exports_of_one_name_in_two_folders_are_two(tmp_path: Path) -> None:
    for number, scope in enumerate(("a", "b"), start=1):
        config = {"exportName": "focus"}
        run(tmp_path, f"{scope}/20261001-20261031", str(number), number, config=config, info=at(number))
    assert landed(tmp_path).states == {"delivered": 1} and billed(tmp_path) == 3


@pytest.mark.parametrize("is_shared", [True, False])
def test_exports_whose_scopes_lie_within_each_other_refuse_their_period(tmp_path: Path, is_shared: bool) -> None:
    """A subscription's export and that of its billing account have the same charges; two subscriptions' have not."""
    folders = [
        run(
            tmp_path,
            f"{scope}/20261001-20261031",
            "100",
            number,
            config=named(scope, "focus"),
            info=at(number),
            sub_account="sub-a" if is_shared else f"sub-{scope}",
        )
        for number, scope in enumerate(("a", "b"), start=1)
    ]
    landing = landed(tmp_path)
    if is_shared:
        ((_, message),) = landing.refused
        assert "are of two exports" in message and all(str(folder) in message for folder in folders)
    else:
        assert landing.states == {"delivered": 1} and billed(tmp_path) == 200


def older(root: Path, folder: str, cost: str, sub_account: str = "s") -> Path:
    """A run's folder with one charge and no manifest, as older exports wrote it."""
    return write(
        root / "bills",
        f"{folder}/part_0.csv",
        f"{line(cost, month_of(folder))},{sub_account}",
        header=f"{HEADER},SubAccountId",
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x/20261001-20261009/202610100600", "x/20261001-20261031/202611010600"),
        ("x/20261001-20261031/202611010600", "x/20261001-20261031/202611020600"),
        ("20261001-20261009/x/202610100600", "20261001-20261031/x/202611010600"),
        ("x/20261001-20261009/20261010060001", "x/20261001-20261031/20261101060001"),
    ],
)
def test_later_run_without_a_manifest_replaces_those_whose_days_it_has(
    tmp_path: Path, one: str, other: str
) -> None:
    older(tmp_path, one, "2")
    older(tmp_path, other, "3")
    assert landed(tmp_path).states == {"delivered": 1} and billed(tmp_path) == 3


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        # Nothing shows which is newer.
        (
            f"x/20261001-20261009/{RUN.format(1)}",
            f"x/20261001-20261031/{RUN.format(2)}",
            "no runInfo.submittedTime",
        ),
        (
            f"x/20261001-20261031/{RUN.format(1)}",
            f"x/20261001-20261031/{RUN.format(2)}",
            "no runInfo.submittedTime",
        ),
        ("x/20261001-20261009", "x/20261001-20261031", "no runInfo.submittedTime"),
        # The newer one has fewer days.
        ("x/20261001-20261031/202610100600", "x/20261001-20261009/202611010600", "leaves some out"),
        # Runs, or exports: the rows show that they have one sub account.
        ("x/20261001-20261009/bbbb", "x/20261001-20261031/aaaa", "charges of one sub account"),
    ],
)
def test_runs_without_manifests_that_may_overlap_refuse_their_period(
    tmp_path: Path, one: str, other: str, why: str
) -> None:
    older(tmp_path, one, "2")
    older(tmp_path, other, "3")
    ((_, message),) = landed(tmp_path).refused
    assert why in message and all(f"{tmp_path}/bills/{folder}" in message for folder in (one, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x/20261001-20261007", "x/20261008-20261014"),
        # An exclusive end, as in AWS's folders.
        ("x/20260901-20261001", "x/20261001-20261101"),
        ("x/20261001-20261031", "y/20261001-20261031"),
    ],
)
def test_folders_without_manifests_that_do_not_overlap_all_count(tmp_path: Path, one: str, other: str) -> None:
    older(tmp_path, one, "2", "s")
    older(tmp_path, other, "3", "t")
    assert not landed(tmp_path).refused
    assert billed(tmp_path) == 5


def test_run_with_a_manifest_replaces_an_older_one_without(tmp_path: Path) -> None:
    older(tmp_path, "x/20261001-20261009/202610100600", "2")
    run(tmp_path, "x/20261001-20261031", "3", 2, config=named("a", "x"), info=at(2))
    assert landed(tmp_path).states == {"delivered": 1} and billed(tmp_path) == 3

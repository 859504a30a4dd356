"""A backup is whole or not there, holds no prompt and no secret, and an installation comes back from it exactly."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ingestion.access.objects import Folder, Object
from ingestion.errors import BadInput, SettingError
from ingestion.lake.integrity import lost, verify
from ingestion.lake.manifest import BrokenManifest, File, manifests, read_manifest, write_manifest
from ingestion.lake.notes import known_notes, notes
from ingestion.lake.pipeline import land
from ingestion.settings import MARKER, Home
from ingestion.sources.registry import SOURCE as REGISTRY
from ingestion.sources.registry.source import RegistrySettings
from orchestration.backup import back_up, backups, restore, verify_backups
from orchestration.cli.doctor import BROKEN, _lake
from orchestration.layout import FILE, LAYOUT, writing
from orchestration.retention.prune import prune
from tests.ingestion.test_lake import NOW, WINDOW

OWNERS = "owners:\n  - {id: a, kind: team, name: A}\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An installation with a registry that was landed, secrets, prompts, and what a refresh builds again."""
    home = Home(tmp_path / "home")
    (home.root / "registry").mkdir(parents=True)
    (home.root / MARKER).write_text("")
    for name in (
        ".dlt/secrets.toml",
        ".dlt/config.toml",
        "warehouse.duckdb",
        "lake/raw_llm_prompts/llm_prompts/1.2.x.parquet",
    ):
        (home.root / name).parent.mkdir(parents=True, exist_ok=True)
        (home.root / name).write_text(f"canary of {name}")
    change(home, OWNERS, 0)
    with writing(home, "a test"):
        pass
    return home


def change(home: Home, owners: str, days: int) -> None:
    (home.registry / "owners.yml").write_text(owners)
    land(home, REGISTRY, RegistrySettings(str(home.registry)), WINDOW, NOW + timedelta(days=days))


@pytest.fixture
def store(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "backups")


def content(home: Home) -> dict[str, bytes]:
    """The files that a backup is of."""
    places = (home.lake / "raw_registry", home.lake / "raw_history", home.registry)
    return {
        file.relative_to(home.root).as_posix(): file.read_bytes()
        for place in places
        for file in place.rglob("*")
        if file.is_file()
    }


def test_restored_installation_is_the_one_that_was_backed_up(home: Home, store: Folder, tmp_path: Path) -> None:
    done = back_up(home, store, NOW)
    assert not done.problems
    restored = Home(tmp_path / "restored")
    restore(restored, store)
    assert content(restored) == content(home)
    assert (restored.root / ".dlt" / "config.toml").exists() and json.loads((restored.root / FILE).read_text())
    assert not verify(restored, "raw_registry") and not lost(restored, "raw_registry")


def test_backup_holds_no_secret_no_prompt_and_nothing_that_is_built(home: Home, store: Folder) -> None:
    back_up(home, store, NOW)
    held = b"".join(file.read_bytes() for file in store.path.rglob("*") if file.is_file())
    assert b"canary of .dlt/config.toml" in held, "the search finds what is there"
    for name in (b"secrets", b"warehouse", b"llm_prompts"):
        assert b"canary of " + name not in held and b"canary of .dlt/" + name not in held
        assert b"canary of lake/raw_" + name not in held


def test_next_backup_writes_what_is_new_and_each_can_be_restored(
    home: Home, store: Folder, tmp_path: Path
) -> None:
    first = back_up(home, store, NOW)
    before = content(home)
    change(home, OWNERS.replace("name: A", "name: B"), 1)
    second = back_up(home, store, NOW + timedelta(days=1))
    assert 0 < second.written < first.written
    for name, expected in ((first.name, before), (second.name, content(home))):
        restored = Home(tmp_path / name)
        restore(restored, store, name)
        assert content(restored) == expected


def test_only_the_newest_backups_are_kept_and_stay_whole(home: Home, store: Folder, tmp_path: Path) -> None:
    for day in range(3):
        change(home, OWNERS.replace("name: A", f"name: N{day}"), day)
        last = back_up(home, store, NOW + timedelta(days=day), keep=1)
    assert backups(store) == [last.name]
    assert {found.key.rpartition("/")[2] for found in store.list("files/")} == set(last.files.values())
    restored = Home(tmp_path / "restored")
    restore(restored, store)
    assert content(restored) == content(home)


def test_load_that_is_not_confirmed_is_left_out(home: Home, store: Folder, tmp_path: Path) -> None:
    """As a landing that runs meanwhile has it: some files, and no confirmed manifest."""
    change(home, OWNERS.replace("name: A", "name: B"), 1)
    newest = max((home.lake / "raw_registry" / "_manifests").glob("*.json"))
    newest.rename(newest.with_suffix(".loading"))
    back_up(home, store, NOW)
    restored = Home(tmp_path / "restored")
    restore(restored, store)
    assert not list(restored.lake.rglob(f"*{newest.stem}*")) and not lost(restored, "raw_registry")


def test_damaged_file_is_named_and_left_out(home: Home, store: Folder) -> None:
    (file,) = (home.lake / "raw_registry" / "owners").glob("*.parquet")
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    (problem,) = back_up(home, store, NOW).problems
    assert problem.startswith(f"lake/raw_registry/owners/{file.name}: ")


def test_changed_file_of_a_backup_is_refused_by_name(home: Home, store: Folder, tmp_path: Path) -> None:
    done = back_up(home, store, NOW)
    digest = done.files["registry/owners.yml"]
    (store.path / "files" / digest).write_text("another")
    restored = Home(tmp_path / "restored")
    with pytest.raises(BadInput, match=f"files/{digest}: its content is another .registry/owners.yml"):
        restore(restored, store)
    assert not (restored.root / FILE).exists()


def test_files_and_lists_of_backups_that_do_not_hold_are_named_and_stay(home: Home, store: Folder) -> None:
    with pytest.raises(SettingError, match="no backup"):
        verify_backups(store)
    done = back_up(home, store, NOW)
    assert verify_backups(store) == []
    flipped, missing = done.files["registry/owners.yml"], done.files[FILE]
    content = bytearray((store.path / "files" / flipped).read_bytes())
    content[3] ^= 1
    (store.path / "files" / flipped).write_bytes(content)
    (store.path / "files" / missing).unlink()
    (store.path / "backups" / "2020-01-01T000000Z.json").write_text("{")
    problems = verify_backups(store)
    assert len(problems) == 3 and "2020-01-01T000000Z.json: can't be read" in problems[0]
    assert any(f"{flipped}: its content is another" in one and done.name in one for one in problems)
    assert any(f"{missing}: missing" in one and done.name in one for one in problems)
    assert (store.path / "files" / flipped).read_bytes() == content


def test_restore_into_an_installation_in_use_and_of_no_backup_is_refused(
    home: Home, store: Folder, tmp_path: Path
) -> None:
    with pytest.raises(SettingError, match="no backup; there are: none"):
        restore(Home(tmp_path / "other"), store)
    back_up(home, store, NOW)
    with pytest.raises(SettingError, match="no backup 2020; there are: 2026"):
        restore(Home(tmp_path / "other"), store, "2020")
    with pytest.raises(SettingError, match="holds data"):
        restore(home, store)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("layout", LAYOUT + 1, "newer release"),
        ("layout", "three", "can't be read as it was written"),
        ("files", [], "can't be read as it was written"),
        *(
            ("files", {path: "0" * 64}, "which no backup has|leads out of the installation")
            for path in (
                *("../x", "registry/../x", "registry/", "lake/raw_registry/../../x", "lake/raw_llm_prompts/x"),
                *("lake/x", ".dlt/secrets.toml", ".aws/config", ".ssh/authorized_keys", "orchestration/x.py"),
                *("dagster/dagster.yaml", "/etc/x", "warehouse.duckdb"),
            )
        ),
    ],
)
def test_backup_that_can_not_be_trusted_is_refused(
    home: Home, store: Folder, tmp_path: Path, key: str, value: object, message: str
) -> None:
    done = back_up(home, store, NOW)
    listed = store.path / "backups" / f"{done.name}.json"
    listed.write_text(json.dumps({**json.loads(listed.read_text()), key: value}))
    with pytest.raises((SettingError, BadInput), match=message):
        restore(Home(tmp_path / "other"), store)


def test_backup_during_a_prune_holds_each_note_once(
    home: Home, store: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prune compacts after the backup has listed the loads, at each of the files that are copied."""
    for number in range(1, 4):
        change(home, OWNERS.replace("name: A", f"name: A{number}"), number)
    expected = known_notes(home, REGISTRY.dataset)
    landings = sorted(note["landing_sequence"] for note in notes(home, REGISTRY.dataset))
    copy = shutil.copyfile
    for at in (1, 4, 9, 14):
        other, place = Home(tmp_path / f"home {at}"), Folder(tmp_path / f"backups {at}")
        shutil.copytree(home.root, other.root)
        copied: list[str] = []

        def copy_and_prune(source: Path, target: Path) -> object:
            copied.append(str(source))  # noqa: B023
            if len(copied) == at:  # noqa: B023
                pruned = prune(other, NOW + timedelta(days=60), timedelta(days=999))  # noqa: B023
                assert pruned.loads_compacted == 4
            return copy(source, target)

        monkeypatch.setattr(shutil, "copyfile", copy_and_prune)
        assert back_up(other, place, NOW).problems == [] and len(copied) > at
        monkeypatch.setattr(shutil, "copyfile", copy)
        restored = Home(tmp_path / f"restored {at}")
        restore(restored, place)
        assert known_notes(restored, REGISTRY.dataset) == expected, at
        assert sorted(note["landing_sequence"] for note in notes(restored, REGISTRY.dataset)) == landings, at
        assert not lost(restored, REGISTRY.dataset) and not verify(restored, REGISTRY.dataset), at


def test_list_that_is_torn_is_named_and_nothing_is_removed_for_it(
    home: Home, store: Folder, tmp_path: Path
) -> None:
    first = back_up(home, store, NOW)
    (store.path / "backups" / "2020-01-01T000000Z.json").write_text('{"layout": 3, "files": {}')
    with pytest.raises(BadInput, match=r"backups/2020-01-01T000000Z\.json: can't be read as it was written"):
        back_up(home, store, NOW + timedelta(days=1), keep=1)
    assert first.name in backups(store) and len(backups(store)) == 3
    restore(Home(tmp_path / "restored"), store, first.name)


def test_backup_dated_later_than_now_is_named_and_neither_removed_nor_restored_unasked(
    home: Home, store: Folder, tmp_path: Path
) -> None:
    later = back_up(home, store, NOW + timedelta(days=1000))
    for day in range(3):
        done = back_up(home, store, NOW + timedelta(days=day), keep=1)
        assert [later.name in problem for problem in done.problems] == [True]
    assert backups(store) == [done.name, later.name]
    restored = restore(Home(tmp_path / "restored"), store, now=NOW + timedelta(days=4))
    assert restored.name == done.name


def test_file_of_a_backup_that_was_cut_off_is_written_again(home: Home, store: Folder, tmp_path: Path) -> None:
    done = back_up(home, store, NOW)
    cut_off = store.path / "files" / done.files["registry/owners.yml"]
    cut_off.write_bytes(cut_off.read_bytes()[:10])
    assert back_up(home, store, NOW + timedelta(days=1)).written == 1
    restored = Home(tmp_path / "restored")
    restore(restored, store)
    assert content(restored) == content(home)


def test_restore_that_was_killed_is_gone_on_with_and_nothing_else_runs_before(
    home: Home, store: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = back_up(home, store, NOW)
    restored, downloads, download = Home(tmp_path / "restored"), [], Folder.download

    def until_killed(self: Folder, found: Object, target: Path) -> None:
        downloads.append(found)
        if len(downloads) == len(done.files) // 2:
            raise KeyboardInterrupt
        download(self, found, target)

    monkeypatch.setattr(Folder, "download", until_killed)
    with pytest.raises(KeyboardInterrupt):
        restore(restored, store)
    monkeypatch.undo()
    unfinished = f"a restore of backup {done.name} was not finished"
    with pytest.raises(SettingError, match=unfinished), writing(restored, "a test"):
        pass
    with pytest.raises(SettingError, match=unfinished):
        back_up(restored, store, NOW + timedelta(days=1))
    assert [(one.state, unfinished in one.detail) for one in _lake(restored)] == [(BROKEN, True)]
    restore(restored, store)
    assert content(restored) == content(home)
    with writing(restored, "a test"):
        pass


def test_settings_that_are_there_stay_and_those_with_a_secret_are_in_no_backup(
    home: Home, store: Folder, tmp_path: Path
) -> None:
    (home.root / ".dlt" / "config.toml").write_text(
        '[sources.vercel]\ntoken = "canary-token"\nteam_id = "team_a"\n'
    )
    done = back_up(home, store, NOW)
    assert [problem for problem in done.problems if "sources.vercel.token is secret" in problem]
    assert not [file for file in store.path.rglob("*") if file.is_file() and b"canary-token" in file.read_bytes()]
    (home.root / ".dlt" / "config.toml").write_text('[sources.vercel]\nteam_id = "team_b"\n')
    back_up(home, store, NOW + timedelta(days=1))
    restored = Home(tmp_path / "restored")
    own = restored.root / ".dlt" / "config.toml"
    own.parent.mkdir(parents=True)
    own.write_text("# own")
    restore(restored, store)
    assert own.read_text() == "# own"


def test_manifest_that_names_a_file_of_another_folder_is_broken(home: Home, store: Folder) -> None:
    """A backup that somebody changed brought it: neither the next backup nor the mending of damage follows it."""
    dataset = home.lake / REGISTRY.dataset
    (file,) = manifests(dataset)
    manifest = read_manifest(file)
    for name in ("../../.dlt/secrets.toml", "/etc/passwd", "owners/../../x", "owners/a/b", ".dlt/x", "owners/.."):
        write_manifest(
            dataset, replace(manifest, files={**manifest.files, name: File(1, None)}), is_confirmed=True
        )
        with pytest.raises(BrokenManifest):
            read_manifest(file)
    done = back_up(home, store, NOW)
    assert any("can't be read as it was written" in problem for problem in done.problems)
    assert not [found for found in store.path.rglob("*") if found.is_file() and b"secrets" in found.read_bytes()]

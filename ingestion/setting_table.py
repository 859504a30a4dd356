"""Every `COSTOWNER_…` setting: its type, default, description, and the parser that checks its value.

The values come from the environment. A source's settings are the fields of its dataclass (`Source.settings`), described there
with `about`, and are resolved in `ingestion.settings`. `ingestion.setting_report` lists both.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast
from urllib.parse import unquote

from ingestion.errors import SettingError

Value = TypeVar("Value")
ABOUT, ENABLES, NEEDS = "about", "enables", "needs"
HIDDEN = "(secret)"


@dataclass(frozen=True)
class Kind(Generic[Value]):
    """A type of value. `parse` raises ValueError for a text that is none; `allowed` names those that are."""

    name: str
    allowed: str
    parse: Callable[[str], Value]


def without_credentials(text: str) -> str:
    """A text in which the credentials and the query of each URL are left out.

    A password may have a slash, an @ or a question mark in it: what follows a colon is left out up to the last @.
    """
    return re.sub(r"(://[^?\s]*)\?\S*", r"\1", re.sub(r"(?<=://)[^/@\s:]*(:\S*)?@", "", text))


def credentials_in(text: str) -> set[str]:
    """The passwords and queries of the URLs in a text, as they are written there and as they are meant."""
    found = {*re.findall(r"://[^/@\s:]*:([^/@\s]*)@", text), *re.findall(r"://[^/@\s:]*:(\S*)@", text)}
    for query in re.findall(r"://[^?\s]*\?(\S+)", text):
        found |= {query, *(value for _, _, value in (pair.partition("=") for pair in re.split("[&#]", query)))}
    return {form for credential in found if credential for form in (credential, unquote(credential))}


def _matching(name: str, allowed: str, pattern: str) -> Kind[str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text, re.IGNORECASE):
            raise ValueError(text)
        return text

    return Kind(name, allowed, parse)


def _whole(name: str, allowed: str, first: int, last: int) -> Kind[int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text.strip()) or not first <= int(text) <= last:
            raise ValueError(text)
        return int(text)

    return Kind(name, allowed, parse)


def _one_of(allowed: str, *choices: str) -> Kind[str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(text)
        return text

    return Kind(", ".join(f"`{choice}`" for choice in choices), allowed, parse)


def _switch(text: str) -> bool:
    return {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }[text.strip().lower()]


_UNITS = {"K": 10, "M": 20, "G": 30, "T": 40}


def _size(text: str) -> int:
    """Bytes of a size, in powers of 1024."""
    match = re.fullmatch(r"([1-9][0-9]{0,8})\s*([KMGT])B", text.strip(), re.IGNORECASE)
    if not match:
        raise ValueError(text)
    return int(match.group(1)) << _UNITS[match.group(2).upper()]


def _host_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower() for name in text.split(","))
    if not all(
        re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", name) for name in names
    ):
        raise ValueError(text)
    return names


def _instant(text: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


TEXT = _matching("text", "write a text of one line", r"[^\r\n]*\S[^\r\n]*")
NAME = _matching("name", "write letters, digits and _", r"[a-z0-9_]+")
URL = _matching("URL", "write an http:// or https:// URL", r"https?://[^\s/]\S*")
# A cluster's address stands in compiled SQL, and in its logs: no place for a key.
ADDRESS = _matching(
    "address",
    "write an address without a user, a password or a query",
    r"(?!.*://[^/]*@)(?!.*\?)[^\r\n]*\S[^\r\n]*",
)
# A path stands in SQL and in patterns of files, on both engines.
FOLDER = _matching(
    "folder",
    "give a path without ' * ? [ ] { } in it (a mounted bucket works, see docs/decisions/0004)",
    r"(?!.*://)[^'*?\[\]{}\r\n]*[^\s'*?\[\]{}][^'*?\[\]{}\r\n]*",
)
MEMORY = _matching(
    "memory", "write a number and KB, MB, GB or TB, e.g. 4GB", r"(?=.*[1-9])[0-9]+(\.[0-9]+)?\s*[kmgt](i?b)?"
)
SIZE = Kind("size", "write a whole number and KB, MB, GB or TB, e.g. 256MB", _size)
JAVA_MEMORY = _matching("memory", "write a whole number and k, m or g, e.g. 2g", r"[1-9][0-9]*[kmgt]b?")
MONTH = _matching("month", "it is not a month: write YYYY-MM", r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])")
INSTANT = Kind("time", "it is not an ISO 8601 time, e.g. 2026-10-05T06:00:00Z", _instant)
SWITCH = Kind("switch", "write true or false", _switch)
WHOLE = _whole("whole number", "it must be a whole number, 0 or more", 0, 999_999)
HOST_NAMES = Kind(
    "host names", "write host names without ports, separated by commas, e.g. costs.example.com", _host_names
)
# Long enough that nobody finds it by trying; of characters that stand in a header as they are.
TOKEN = _matching(
    "token", "write 32 or more letters, digits or signs, e.g. of `openssl rand -hex 32`", r"[!-~]{32,}"
)
COUNT = _whole("whole number", "it must be a whole number, 1 or more", 1, 999_999)
PORT = _whole("port", "write a port, 1 to 65535", 1, 65_535)
DUCKDB, SPARK, SPARK_SESSION = "duckdb", "spark", "spark_session"
ENGINES = _one_of(
    f"there are {DUCKDB} (embedded), {SPARK} (a cluster's Thrift server) and {SPARK_SESSION} (Spark in this process); "
    "see docs/scaling.md",
    DUCKDB,
    SPARK,
    SPARK_SESSION,
)
EVERYONE, GROUP, USER = "everyone", "group", "user"
AUTHENTICATIONS = ("NONE", "NOSASL", "LDAP", "KERBEROS", "CUSTOM")


@dataclass(frozen=True)
class Setting(Generic[Value]):
    """A setting of the installation, an environment variable. An empty value counts as none.

    `default` is the text of the default value; `otherwise` describes the behaviour of a setting without one.
    """

    name: str
    kind: Kind[Value]
    default: str | None
    description: str
    otherwise: str = ""
    is_secret: bool = False

    def text(self, environment: Mapping[str, str] = os.environ) -> str | None:
        """The value as it is given, not checked; None where it is not set."""
        return environment.get(self.name) or None

    def shown(self, text: str) -> str:
        """A value for people: without what may be secret in it."""
        return HIDDEN if self.is_secret else without_credentials(text)

    def parse(self, text: str) -> Value:
        """Raises SettingError, which names the setting, its value as it is `shown`, and what is allowed."""
        try:
            return self.kind.parse(text)
        except (ValueError, KeyError, OverflowError):
            raise SettingError(f"{self.name}={self.shown(text)}: {self.kind.allowed}") from None

    def given(self) -> Value | None:
        """The value that is set, or None. Raises SettingError as `parse` does."""
        text = self.text()
        return None if text is None else self.parse(text)

    def value(self) -> Value:
        """The value that is set, or the default, of a setting that has one. Raises SettingError as `parse` does."""
        return self.parse(self.text() or cast(str, self.default))


def about(description: str, enables: bool = False, needs: str | None = None) -> dict[str, Any]:
    """The metadata of a field of a source's settings: what it does, for the docs and the template of settings.

    `enables`: of a source without required settings, one of these sets it up. `needs`: the setting that must be given with it.
    """
    return {ABOUT: description, ENABLES: enables, NEEDS: needs}


HOME = Setting(
    "COSTOWNER_HOME",
    FOLDER,
    None,
    "the installation's folder",
    "the installation that contains the working directory, else `var/own` of a checkout",
)
LAKE = Setting("COSTOWNER_LAKE", FOLDER, None, "the lake's folder", "`lake/` of the installation")
PUBLISHED = Setting(
    "COSTOWNER_PUBLISHED", FOLDER, None, "the folder of the published marts", "`published/` of the installation"
)
PUBLISHED_ACCESS = Setting(
    "COSTOWNER_PUBLISHED_ACCESS",
    _one_of(
        f"there are {EVERYONE} (every user of the machine), {GROUP} (the folder's group) and {USER} (the installation's user "
        "alone); see docs/bi.md",
        EVERYONE,
        GROUP,
        USER,
    ),
    EVERYONE,
    "who may read all that is published, apart from the owners' own folders",
)
PUBLISH_BY_OWNER = Setting(
    "COSTOWNER_PUBLISH_BY_OWNER",
    SWITCH,
    "false",
    "whether each owner gets its own rows of the marts in `published/owners/` (docs/bi.md)",
)
REGISTRY = Setting(
    "COSTOWNER_REGISTRY",
    FOLDER,
    None,
    "the folder of owners, rules, pools and budgets",
    "`registry/` of the installation, or of a checkout",
)
HISTORY_START = Setting(
    "COSTOWNER_HISTORY_START",
    MONTH,
    None,
    "the first billing month that a refresh requests from vendors, `YYYY-MM`",
    "13 months before the first month of the current quarter",
)
WAIT_MINUTES = Setting(
    "COSTOWNER_WAIT_MINUTES",
    WHOLE,
    "360",
    "how many minutes a run waits for another one before it gives up; 0: it does not wait",
)
RETENTION_DAYS = Setting(
    "COSTOWNER_RETENTION_DAYS",
    WHOLE,
    "35",
    "how many days `costowner prune` retains lake files that no current slice needs",
)
RUNS_KEPT = Setting(
    "COSTOWNER_RUNS_KEPT",
    COUNT,
    "60",
    "how many runs `costowner prune` leaves in Dagster's storage, the newest; a refresh is two or three",
)
DUCKDB_MEMORY = Setting(
    "COSTOWNER_DUCKDB_MEMORY",
    MEMORY,
    "4GB",
    "how much memory DuckDB uses before it spills to disk; the ledger needs 800 MB, whatever its size (docs/scaling.md)",
)
CALL_SECONDS = Setting(
    "COSTOWNER_CALL_SECONDS",
    COUNT,
    "1800",
    "how long one call to a vendor's API may take from the request to the last byte, retries and waits included",
)
CALL_SIZE = Setting(
    "COSTOWNER_CALL_SIZE",
    SIZE,
    "256MB",
    "how large one answer of a vendor's API may be, unpacked, or a file that is read in memory; it takes several times as "
    "much memory",
)
DOWNLOAD_SECONDS = Setting(
    "COSTOWNER_DOWNLOAD_SECONDS", COUNT, "21600", "how long one object of an object store may take to download"
)
FILE_SIZE = Setting("COSTOWNER_FILE_SIZE", SIZE, "20GB", "how large one file of a vendor's may be, unpacked")
ALERT_WEBHOOK = Setting(
    "COSTOWNER_ALERT_WEBHOOK",
    URL,
    None,
    'the webhook that receives alerts as `{"text": …}` (Slack, Mattermost, Teams workflows)',
    "alerts are only logged",
    is_secret=True,
)
UI_HOSTS = Setting(
    "COSTOWNER_UI_HOSTS",
    HOST_NAMES,
    None,
    "the host names under which a proxy serves the Dagster UI, beside those of this machine (`localhost`, `127.0.0.1`)",
    "this machine only",
)
UI_TOKEN = Setting(
    "COSTOWNER_UI_TOKEN",
    TOKEN,
    None,
    "the token that every request to the Dagster UI needs: `Authorization: Bearer …`, or entered once in the browser",
    "no token: every user of this machine can use the UI",
    is_secret=True,
)
UI_READ_ONLY = Setting(
    "COSTOWNER_UI_READ_ONLY", SWITCH, "false", "whether the Dagster UI shows everything and changes nothing"
)
NOW = Setting(
    "COSTOWNER_NOW",
    INSTANT,
    None,
    "the current time, for tests and simulations; UTC without an offset",
    "the clock",
)
ENGINE = Setting("COSTOWNER_ENGINE", ENGINES, DUCKDB, "the engine that builds the ledger")
SPARK_HOST = Setting("COSTOWNER_SPARK_HOST", TEXT, "127.0.0.1", "the host of the Thrift server")
SPARK_PORT = Setting("COSTOWNER_SPARK_PORT", PORT, "10000", "the port of the Thrift server")
SPARK_USER = Setting("COSTOWNER_SPARK_USER", TEXT, "costowner", "the user of the Thrift server")
SPARK_AUTH = Setting(
    "COSTOWNER_SPARK_AUTH",
    _one_of(f"there are {', '.join(AUTHENTICATIONS)}", *AUTHENTICATIONS),
    "NONE",
    "how the Thrift server authenticates",
)
SPARK_PASSWORD = Setting(
    "DBT_ENV_SECRET_COSTOWNER_SPARK_PASSWORD",
    TEXT,
    None,
    "the password for `LDAP` and `CUSTOM`; dbt hides variables with the prefix `DBT_ENV_SECRET_` in its logs",
    "no password",
    is_secret=True,
)
SPARK_KERBEROS_SERVICE_NAME = Setting(
    "COSTOWNER_SPARK_KERBEROS_SERVICE_NAME", TEXT, None, "the Thrift server's service name for `KERBEROS`", "none"
)
SPARK_USE_SSL = Setting(
    "COSTOWNER_SPARK_USE_SSL", SWITCH, "false", "whether the Thrift server is reached over TLS"
)
SPARK_THREADS = Setting(
    "COSTOWNER_SPARK_THREADS", COUNT, "4", "how many models are built at once on `spark` (`spark_session`: two)"
)
SPARK_RETRIES = Setting(
    "COSTOWNER_SPARK_RETRIES", WHOLE, "5", "how often a failed connection is retried, every ten seconds"
)
SPARK_SCHEMA_PREFIX = Setting(
    "COSTOWNER_SPARK_SCHEMA_PREFIX",
    NAME,
    None,
    "the prefix of the schemas `staging`, `intermediate`, `marts`, `seeds` and `lake` on a shared metastore",
    "nothing",
)
SPARK_LAKE = Setting(
    "COSTOWNER_SPARK_LAKE",
    ADDRESS,
    None,
    "the lake's address on the cluster, e.g. `s3a://bucket/lake`",
    "the lake's folder",
)
SPARK_EXPORT = Setting(
    "COSTOWNER_SPARK_EXPORT",
    ADDRESS,
    None,
    "the address to which the cluster writes the marts; this machine reads `spark/export/` of the installation",
    "`spark/export/` of the installation",
)
SPARK_ENVIRONMENT = Setting(
    "COSTOWNER_SPARK_ENVIRONMENT",
    FOLDER,
    None,
    "the Python environment that dbt-spark is installed in",
    "`.venv-spark`, which `make spark` creates",
)
SPARK_MASTER = Setting("COSTOWNER_SPARK_MASTER", TEXT, "local[2]", "the master of `spark_session`")
SPARK_MEMORY = Setting("COSTOWNER_SPARK_MEMORY", JAVA_MEMORY, "2g", "the memory of `spark_session`'s driver")
SPARK_PARTITIONS = Setting("COSTOWNER_SPARK_PARTITIONS", COUNT, "2", "the shuffle partitions of `spark_session`")

# What dbt gets from the process that starts it: paths and a digest, not for people to set.
GIVEN_TO_DBT = frozenset(
    {
        "COSTOWNER_LAKE_PATH",
        "COSTOWNER_WAREHOUSE",
        "COSTOWNER_EXPORT_PATH",
        "COSTOWNER_SPARK_HOME",
        "COSTOWNER_PROJECT_DIGEST",
    }
)

SETTINGS: tuple[Setting[Any], ...] = tuple(
    declared for declared in list(globals().values()) if isinstance(declared, Setting)
)


def check_settings() -> None:
    """Check each setting that is given, before a process that reads it starts. Raises SettingError for the first wrong one.

    An empty variable is removed: dbt would take it for a value.
    """
    for setting in SETTINGS:
        setting.given()
        if os.environ.get(setting.name) == "":
            del os.environ[setting.name]

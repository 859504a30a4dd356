"""dbt's command line, with the variables that dbt needs and no others, ended by the system together with its parent.

    python -P orchestration/dbt/command.py build …

dagster-dbt starts dbt with its own environment, in which the vendors' keys are, and a run that is killed cannot end it: its
lock goes with it, and dbt would go on writing the warehouse while the next run has the lock. So this process, which
dagster-dbt starts, becomes dbt. The Python of the engine's environment runs it: it imports nothing of the project.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

PR_SET_PDEATHSIG = 1  # of Linux's prctl

# What any program reads, or its loader, Python or TLS.
OF_ANY_PROGRAM = (
    *("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TZ", "LANG", "LANGUAGE", "LC_*", "LD_*", "DYLD_*", "PYTHON*"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE"),
)
# dbt's own flags, and what dbt_project reads by `env_var`: no other setting of Costowner's.
OF_DBT = (
    *("DBT_*", "DAGSTER_DBT_CLI", "DO_NOT_TRACK"),
    *(
        "COSTOWNER_ENGINE",
        "COSTOWNER_NOW",
        "COSTOWNER_LAKE_PATH",
        "COSTOWNER_WAREHOUSE",
        "COSTOWNER_DUCKDB_MEMORY",
    ),
    *("COSTOWNER_PROJECT_DIGEST", "COSTOWNER_EXPORT_PATH", "COSTOWNER_SPARK_*"),
)
# Keys of dbt Cloud, and the secrets of profiles: the one that is needed stands below.
NEVER = ("DBT_CLOUD_*", "DBT_ENV_SECRET_*")
# Java, and Spark's and Hadoop's own configuration.
OF_SPARK_SESSION = ("JAVA_*", "JDK_JAVA_OPTIONS", "SPARK_*", "PYSPARK_*", "HADOOP_*", "HIVE_*")
# A Thrift server asks for a password, or for a Kerberos ticket.
OF_THRIFT = ("DBT_ENV_SECRET_COSTOWNER_SPARK_PASSWORD", "KRB5*")
# Spark reads S3 by itself where the lake or the export is there; a cluster has credentials of its own.
OF_S3 = ("AWS_*",)
S3_ADDRESSES = ("COSTOWNER_LAKE_PATH", "COSTOWNER_EXPORT_PATH", "COSTOWNER_SPARK_LAKE", "COSTOWNER_SPARK_EXPORT")
# Left out on purpose: proxies, whose URLs have passwords. dbt asks no vendor for anything.


def _patterns(environment: Mapping[str, str]) -> Iterator[str]:
    yield from (*OF_ANY_PROGRAM, *OF_DBT)
    engine = environment.get("COSTOWNER_ENGINE")
    if engine == "spark":
        yield from OF_THRIFT
    if engine == "spark_session":
        yield from OF_SPARK_SESSION
        if any(environment.get(name, "").startswith("s3") for name in S3_ADDRESSES):
            yield from OF_S3


def _is_one_of(name: str, patterns: tuple[str, ...]) -> bool:
    return any(name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern for pattern in patterns)


def needed(environment: Mapping[str, str]) -> dict[str, str]:
    """What dbt needs of an environment, on the engine that COSTOWNER_ENGINE names there."""
    patterns = tuple(_patterns(environment))
    return {
        name: value
        for name, value in environment.items()
        if name in patterns or (_is_one_of(name, patterns) and not _is_one_of(name, NEVER))
    }


def end_with_parent() -> None:
    """Have Linux kill this process when its parent ends. (Elsewhere dbt ends at its next line of output.)"""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(2)  # the parent ended before the call


if __name__ == "__main__":
    end_with_parent()  # it lasts beyond the next line
    dbt = Path(sys.executable).with_name("dbt")
    os.execve(dbt, [str(dbt), *sys.argv[1:]], needed(os.environ))

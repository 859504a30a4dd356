"""Answers SQL from standard input with Spark: run by the tests in Spark's own environment (see engines.py)."""

import json
import sys
from decimal import Decimal

from pyspark.sql import SparkSession

SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",  # as dbt-spark sets it
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}


def as_json(value):
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def main():
    answers, sys.stdout = sys.stdout, sys.stderr
    builder = SparkSession.builder.master("local[1]")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    for line in sys.stdin:
        try:
            rows = [[as_json(value) for value in row] for row in spark.sql(json.loads(line)).collect()]
            answer = {"rows": rows}
        except Exception as error:
            answer = {"error": str(error).split("JVM stacktrace")[0][:2000]}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

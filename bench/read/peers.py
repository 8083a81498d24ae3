"""Reads a table of Postgres once by one of the tools that others use, and prints one line
of JSON: seconds, rows, peak resident memory in MB. Called by bench/read -python, each tool
in a process of its own:

    pip install pandas sqlalchemy psycopg2-binary connectorx pyarrow duckdb
    peers.py TOOL postgres://... TABLE

duckdb needs its extension postgres (INSTALL postgres, or its package).
"""

import json
import resource
import sys
import time


def with_pandas(url, table):
    import pandas
    import sqlalchemy

    engine = sqlalchemy.create_engine(url.replace("postgres://", "postgresql+psycopg2://"))
    with engine.connect() as c:
        yield
        yield len(pandas.read_sql(sqlalchemy.text(f"SELECT * FROM {table}"), c))


def with_connectorx(url, table):
    import connectorx

    yield
    frame = connectorx.read_sql(
        url.replace("postgres://", "postgresql://"), f"SELECT * FROM {table}", return_type="arrow", partition_on="id", partition_num=2
    )
    yield len(frame)


def with_duckdb(url, table):
    import duckdb

    try:
        import duckdb_extensions

        duckdb_extensions.import_extension("postgres_scanner")
    except ImportError:
        pass
    c = duckdb.connect()
    c.execute("LOAD postgres")
    c.execute(f"ATTACH '{url}' AS p (TYPE postgres, READ_ONLY)")
    yield
    c.execute(f"CREATE TABLE t AS SELECT * FROM p.public.{table}")
    yield c.execute("SELECT count(*) FROM t").fetchone()[0]


def main():
    tool, url, table = sys.argv[1:]
    steps = globals()["with_" + tool](url, table)
    next(steps)  # imports and the connection are not counted
    start = time.perf_counter()
    rows = next(steps)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "rows": rows, "peak_mb": peak}))


main()

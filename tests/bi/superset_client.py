"""Run by Superset's own Python: adds a database and a dataset as its pages do, and prints what a user sees.

Arguments: SQLAlchemy URI, metric. The one trap: Superset logs and may print; the result is the last line of
standard output.
"""

import json
import sys

from superset.app import create_app

FILTERS = {"level": "national", "period_type": "quarter", "assessment_type": "casework", "policy": "half"}


def main(uri: str, metric: str) -> None:
    from superset import db
    from superset.connectors.sqla.models import SqlaTable, SqlMetric
    from superset.models.core import Database

    database = Database(database_name="IQA", sqlalchemy_uri=uri)
    db.session.add(database)
    db.session.commit()
    tables = [found[0] for found in database.get_all_table_names_in_schema(catalog=None, schema="main")]
    dataset = SqlaTable(table_name="compliance", schema="main", database=database)
    db.session.add(dataset)
    db.session.commit()
    dataset.fetch_metadata()
    dataset.metrics.append(SqlMetric(metric_name="coverage", expression=metric))
    db.session.commit()
    answer = dataset.query(
        {
            "metrics": ["coverage"],
            "columns": ["period_label"],
            "groupby": ["period_label"],
            "filter": [{"col": name, "op": "==", "val": value} for name, value in FILTERS.items()],
            "granularity": None,
            "from_dttm": None,
            "to_dttm": None,
            "is_timeseries": False,
            "extras": {},
            "orderby": [],
            "row_limit": 1000,
        }
    )
    assert answer.error_message is None, answer.error_message
    chart = {
        label: None if rate != rate else float(rate)
        for label, rate in zip(answer.df["period_label"], answer.df["coverage"], strict=True)
    }
    comments = {column.column_name: column.description for column in dataset.columns}
    print(json.dumps({"tables": tables, "comments": comments, "chart": chart}))


if __name__ == "__main__":
    with create_app().app_context():
        main(*sys.argv[1:])

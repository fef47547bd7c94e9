"""The DuckDB work file: connecting to it, and running dbt on it in this process."""

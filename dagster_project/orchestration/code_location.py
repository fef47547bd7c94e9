"""What Dagster's own processes load: `defs`, and nothing else.

The one trap: importing this module parses the dbt project if it changed, so no other module may import it.
"""

from dagster_project.orchestration.definitions import load

defs = load()

"""From a published figure back to the rows it was made of.

Belongs here: reading the lineage files (`dbt/lineage`), finding the figure that is meant, running its row
queries, and adding the rows up again. Does not: how a metric is defined (the dbt models) or printed output
(commands). The one trap: the answer holds staff ids and comes from the unsuppressed warehouse, so nothing
made here may be put in a release.
"""

"""Care of the theme patterns: how good they are, what they miss, what an edit would move.

What belongs here: reading pattern sets, matching comments outside a run, comparing with people's coding. What
does not: the figures themselves, which dbt computes (`int_sentence_themes` and after). The one trap: matching
here must follow the models' rules for sentences; a test compares the two.
"""

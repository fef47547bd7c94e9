"""Disclosure control: which cells of the shareable marts are withheld, and the proof that it suffices.

Belongs here: the policy as read (`policy.py`), the choice of cells (`suppression.py`, pure), writing schema
`published` (`publishing.py`) and the audit that attacks it (`audit.py`, `recovery.py`). Does not: what may
leave at all (`release/tables.py`) and writing releases. The trap: the audit must never read the suppressor's
plan, or one mistake in it would be made twice.
"""

"""What can go wrong with extracts: a file that is refused, and an ingest that cannot go on.

A refusal is about one file and never stops the others; an `ExtractError` stops the run.
The trap: a row that breaks a rule is neither; it is data, and ends in `raw.quarantine`.
"""


class ExtractError(Exception):
    """The ingest cannot go on: a contract, a seed or a folder is wrong, or an internal check failed."""


class Refusal(Exception):
    """One file is refused; `rule_id` names the rule, the message says what was found and what to do."""

    def __init__(self, rule_id: str, message: str) -> None:
        super().__init__(message)
        self.rule_id = rule_id
        self.message = message

"""Great Expectations' own pages about the suites (its Data Docs), as Markdown for the site.

Belongs here: having Great Expectations word each suite. Does not: the reasons, owners and severities of
checks (`reference.py`). The one trap: its HTML loads styles, scripts and pictures from other hosts, so the
Markdown view of the same renderer is taken, which needs nothing but the site.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dagster_project.gate.expectations import import_quietly
from dagster_project.gate.suites import Expectation, Suite

_HEAD = (
    "# Great Expectations: {mart}\n\n"
    "How Great Expectations words the suite of `{mart}`, a heading for each column; columns such as "
    "`broken_rules` are worked out for the check. Why each check is there, who owns it and what it stops is "
    "in [the list of checks](../checks/{mart}.md).\n\n"
)
_INDEX = (
    "# Great Expectations\n\n"
    "Great Expectations' documentation of each suite (Data Docs), made from `expectations/marts/` and "
    "complete without a network. The verdicts of a run are in the release's `manifest.json`.\n\n"
)
_FOOT = re.compile(r"^-{20,}\s*\nPowered by .*$", re.MULTILINE | re.DOTALL)
_TITLE = re.compile(r"^# Validation Results\s*$", re.MULTILINE)
_RULE = re.compile(r"^\s*\*?\s*\*\*\*\s*$", re.MULTILINE)


def data_docs(suites: Iterable[Suite]) -> dict[str, str]:
    """Page name -> Markdown: `index.md` and one page a suite.

    Raises what Great Expectations raises about a suite that it can't word.
    """
    import_quietly()
    pages = {f"{suite.mart}.md": _HEAD.format(mart=suite.mart) + _worded(suite) for suite in suites}
    links = "\n".join(f"- [{name.removesuffix('.md')}]({name})" for name in sorted(pages))
    return {"index.md": f"{_INDEX}{links}\n", **pages}


def _worded(suite: Suite) -> str:
    from great_expectations import ExpectationSuite
    from great_expectations.render.renderer import ExpectationSuitePageRenderer
    from great_expectations.render.view import DefaultMarkdownPageView

    documented = ExpectationSuite(
        name=suite.mart, expectations=[_documented(expectation) for expectation in suite.expectations]
    )
    text: Any = DefaultMarkdownPageView().render(ExpectationSuitePageRenderer().render(documented))
    page = "\n".join(text) if isinstance(text, list) else str(text)
    page = _RULE.sub("", _TITLE.sub("", _FOOT.sub("", page)))
    return re.sub(r"\n\s*\n+", "\n\n", page).strip().replace("\n  * ", "\n- ") + "\n"


def _documented(expectation: Expectation) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    # A list that a run reads from the warehouse stands as the question that gives it.
    kwargs = {
        name: [value["query"]] if isinstance(value, Mapping) and set(value) == {"query"} else value
        for name, value in expectation.kwargs.items()
    }
    return ExpectationConfiguration(
        type=expectation.type, kwargs=kwargs, meta={"check_id": expectation.check.id}
    ).to_domain_obj()

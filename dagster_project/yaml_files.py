"""Reading YAML: contracts, suites, the disclosure policy, lineage.

Here: which reader. Not here: what a file means. The one trap: PyYAML's own reader takes ten times as long as
libyaml's, which nearly every build of it has.
"""

from pathlib import Path
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """The document in a file, made of plain types only.

    Raises:
        OSError, UnicodeDecodeError, yaml.YAMLError: it can't be read.
    """
    return yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)

r"""RE2 patterns, as DuckDB reads them, for Java's engine, so that the same comments match.

Here: the differences that the patterns of this project meet. Java's `\b` and `\s` know more characters, its
`$` stands before a last line break as well, its `.` stops at more line ends. The one trap: inside brackets
a class is written without brackets of its own in RE2; Java reads nested brackets as a union, so the same
text serves there.
"""

import re

_TOKEN = re.compile(r"\\x\{[0-9A-Fa-f]+\}|\\[pP]\{[^}]*\}|\\.|\[\^?|.", re.DOTALL)
_WORD = "0-9A-Za-z_"
_BOUNDARY = f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))"
_NO_BOUNDARY = f"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))"
_SPACE = r"\t\n\f\r "
_OUTSIDE = {
    r"\b": _BOUNDARY,
    r"\B": _NO_BOUNDARY,
    r"\s": f"[{_SPACE}]",
    r"\S": f"[^{_SPACE}]",
    "$": r"\z",
}
_INSIDE = {r"\s": _SPACE, r"\S": f"[^{_SPACE}]", "[": r"\[", "[^": r"\[^", "&": r"\&"}


def java_pattern(pattern: str, *, ignore_case: bool) -> str:
    """The pattern for Java; `ignore_case` folds as RE2 does, beyond ASCII too."""
    inside = False
    parts: list[str] = []
    for token in _TOKEN.findall(pattern):
        if inside:
            parts.append(_INSIDE.get(token, token))
            inside = token != "]"
        elif token.startswith("["):
            inside = True
            parts.append(token)
        else:
            parts.append(_OUTSIDE.get(token, token))
    # d: only \n ends a line. u: the case of every letter.
    return f"(?{'iud' if ignore_case else 'd'})" + "".join(parts)


def java_replacement(replacement: str) -> str:
    r"""What is put in place of a match: `\1` is `$1` in Java."""
    return re.sub(r"\\(\d)", r"$\1", replacement.replace("$", r"\$"))

"""Comments that no theme caught, put into groups by the words they share: where a new theme may hide.

What belongs here: weighing words and grouping. The one trap: comments can name victims, so a worklist stays
where the warehouse is; it is written for its owner only and is never part of a release.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

# Grouping compares all pairs: 1,500 wordings take about a second, ten times as many a hundred.
WORDINGS_MAX = 1500
_SIMILAR = 0.75  # cosine distance up to which groups join; 0 is the same words, 1 no word in common
_TERMS_SHOWN = 5
_WORD = re.compile(r"[^\W\d_][\w'’-]+")
_STOP_TEXT = """
a about all also an and any are as at be been but by can could did do does for from had has have he her his
how i if in into is it its may more must my no not of on one or our out over she should so some such than
that the their them then there these they this those through to too up was we were what when where which who
will with would you your
"""
_STOP_WORDS = frozenset(_STOP_TEXT.split())


@dataclass(frozen=True)
class Cluster:
    """Wordings that share words, how many comments use them, and the words that set the group apart."""

    comments: int
    terms: tuple[str, ...]
    wordings: tuple[str, ...]


def uncaught_clusters(comments: Iterable[str], limit: int = WORDINGS_MAX) -> list[Cluster]:
    """Group comments by their words, the largest group first; the same comments give the same groups.

    Wordings are weighed by tf-idf and joined by average linkage on cosine distance. Beyond `limit` wordings
    only the most frequent are grouped, ties by the text.
    """
    uses = Counter(" ".join(comment.split()) for comment in comments)
    kept = sorted(uses, key=lambda wording: (-uses[wording], wording))[:limit]
    words = {wording: _words(wording) for wording in kept}
    wordings = sorted(wording for wording in kept if words[wording])
    if not wordings:
        return []
    weights, vocabulary = _tf_idf([words[wording] for wording in wordings])
    groups = _groups(weights)
    clusters = []
    for group in sorted(set(groups)):
        members = [place for place, other in enumerate(groups) if other == group]
        total = weights[members].sum(axis=0)
        order = sorted(range(len(vocabulary)), key=lambda term: (-round(total[term], 9), vocabulary[term]))
        clusters.append(
            Cluster(
                sum(uses[wordings[place]] for place in members),
                tuple(vocabulary[term] for term in order[:_TERMS_SHOWN] if total[term] > 0),
                tuple(sorted((wordings[place] for place in members), key=lambda text: (-uses[text], text))),
            )
        )
    return sorted(clusters, key=lambda cluster: (-cluster.comments, cluster.wordings))


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in _STOP_WORDS]


def _tf_idf(documents: Sequence[Sequence[str]]) -> tuple[np.ndarray, list[str]]:
    """Rows of unit length, one a document, over the sorted vocabulary."""
    frequency = Counter(word for document in documents for word in set(document))
    vocabulary = sorted(frequency)
    place = {word: number for number, word in enumerate(vocabulary)}
    weights = np.zeros((len(documents), len(vocabulary)))
    for row, document in enumerate(documents):
        for word, count in Counter(document).items():
            weights[row, place[word]] = count * (math.log((1 + len(documents)) / (1 + frequency[word])) + 1)
    return weights / np.linalg.norm(weights, axis=1, keepdims=True), vocabulary


def _groups(weights: np.ndarray) -> list[int]:
    if len(weights) == 1:
        return [1]
    similarity = np.clip(weights @ weights.T, 0.0, 1.0)
    # Rounded, so that the order of joins hangs on no last bit of a matrix product.
    distance = np.round(1.0 - similarity[np.triu_indices(len(weights), k=1)], 9)
    return [int(group) for group in fcluster(linkage(distance, "average"), _SIMILAR, criterion="distance")]

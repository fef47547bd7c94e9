"""The statistics as pure functions of numbers and arrays: no files, no databases, no policy."""

"""Reference pages made from what the project runs on: registry, models, contracts and policies.

What belongs here: reading those and writing Markdown. What does not: explanations by hand (`docs/`) and any
figure. The one trap: a page states nothing of its own; a wrong sentence is corrected in the seed, the model's
yml or the contract that it comes from.
"""

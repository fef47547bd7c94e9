"""Measures the product against plainer ways to the same figures. Nothing in the product imports it.

Here: one module a thing that is measured, and the module that runs them and writes `docs/benchmarks.md`.
Not here: assertions about speed in the tests: a time is a matter of the machine, so only ratios are judged,
by whoever runs `make bench`.
"""

"""The samples people draw: dip samples of a quarter, and the files of an inspection.

Belongs here: who is drawn and why (`dips`, `inspections`, `chance`: pure, without files or databases), the
frame they are drawn from (`frames`), what is handed out (`papers`) and what is kept (`register`). The one
trap: a draw names real assessments, so what it writes is its owner's only and never part of a release.
"""

"""From a candidate that passed the gate to a release that everybody reads.

Here: pseudonyms, which tables and columns may leave, the files of a release, its manifest, locks, and the
pointers. Not here: the decision whether to release (`gate/`) and suppression (`disclosure/`).
The trap: `releases/<id>` is immutable. Whatever is wrong with a release is put right by the next one, or by
moving the pointer back; never by editing its files.
"""

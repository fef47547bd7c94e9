"""What goes back to those who sent the extracts: refused rows, and assessments without evidence.

Belongs here: files that a person sends to a supplier or an Area. Does not: releases, which never hold what is
in these. The one trap: they name cases and quote refused values, so each is its owner's alone (mode 600) from
the moment it exists, and stays beside the warehouse.
"""

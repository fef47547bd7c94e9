"""Seeded synthetic extracts: `generate.generate` writes them, the other modules draw what happened."""

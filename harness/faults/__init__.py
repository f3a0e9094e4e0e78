"""Disruptions, one per file, each with proof of its effect, its healing and proof of that."""

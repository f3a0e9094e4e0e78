"""Owns what keeps the documents true: pages written from the code, and commands that are run."""

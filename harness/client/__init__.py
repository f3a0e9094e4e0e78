"""Speaks Chroma's v2 API: clients that record, and direct reads of one instance."""

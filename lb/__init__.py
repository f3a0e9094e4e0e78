"""A load balancer that makes plain ChromaDB servers highly available through a log in PostgreSQL."""

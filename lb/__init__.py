"""A load balancer that makes plain ChromaDB servers highly available by a log in PostgreSQL."""

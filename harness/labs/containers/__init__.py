"""Servers in containers: the Docker Engine, what compose.yaml says, and what a run has there."""

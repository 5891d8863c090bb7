"""Replicates: lived on the seeds of a purpose, kept by content, by processes here or on a cluster."""

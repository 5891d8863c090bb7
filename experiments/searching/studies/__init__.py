"""The study on disk or in a database, and the processes that share it."""

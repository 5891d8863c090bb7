"""Reports: the record of a run on disk, its sentences, tables and pictures."""

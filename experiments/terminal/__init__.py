"""The command line's parts: options, results in words, progress, folders of runs, descriptions."""

"""The process that executes one run."""

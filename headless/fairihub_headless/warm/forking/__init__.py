"""A fork server: a program of its own, for the interpreter of any environment from Python 3.8 on.

It imports nothing of fairihub and, before it serves, nothing that starts a thread.
"""

"""The engine's pure part: what is wanted, what is recorded, what follows.

Nothing in here reads a file, opens a socket, asks the clock, draws a random number, looks at the environment, starts a
thread or prints. Whatever depends on one of those comes in as an argument, so that every decision the engine makes can
be written down as a test case. `tests/test_architecture.py` checks the imports.
"""

"""Pure values and functions: no input or output, no clock, no framework.

Everything here can be tested with a table. Whoever needs the time or a random number passes it in.
"""

"""One function for each thing that a user does: fine-tune, evaluate, ...

A workflow takes flat keyword arguments, returns one result object and prints
nothing. The verbs of the command line are made of these functions: each flag
is an argument of one.
"""

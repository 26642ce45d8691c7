"""The kinds of stage that a recipe may have, one file each: its settings, the files it reads, what it leaves.

Here is nothing of the terminal (that is in verbs/) and no algorithm (those are in the packages). A stage reads files, calls one function
of a package, and writes files. At the top a file imports only settings and words; the work is imported inside `run`.
"""

"""What a program's own files mean by what is written as ever: floats as indices, ``-mask``.

The runner rewrites the files of the program that it runs, and nobody else's: `rewriting.py` says
which expressions, `values.py` decides by the values, while the program runs. An expression that
today's packages have an answer to keeps it.
"""

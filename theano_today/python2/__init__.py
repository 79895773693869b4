"""Python 2 programs: translated on the fly, with Python 2's built-in functions and modules.

`detect.py` says which files are Python 2, `program.py` translates a program's own modules as
they are imported, by `translate.py` and `execution.py`; README.md of the package has the map.
"""

from theano_today.python2.modules import supplied


def install() -> None:
    """Let Python 2's modules be imported by their names; the rest needs the runner."""
    supplied.install()

"""What ``setup --always`` puts into an environment; Python imports it whenever it starts.

It is imported by itself, before anything else and by programs that have nothing to do with
Theano: so it imports nothing, reads the program that is about to run, and

- starts it by ``python -m theano_today`` instead if it is Python 2 or speaks of Theano;
- otherwise activates theano_today when Theano, or what stands on it, is first imported.

HOME is where theano_today is, for an environment that it is not installed into.
"""

import os
import sys

HOME = ""

# Whose first import activates theano_today.
TRIGGERS = ("theano", "lasagne", "nolearn", "keras", "blocks", "pylearn2", "pymc3", "cPickle")
# Options of Python that have an argument.
_WITH_ARGUMENT = ("-W", "-X", "--check-hash-based-pycs")


class _Finder:
    """Activates theano_today in time; finds it in HOME where no other finder does."""

    def __init__(self):
        self.waiting = True

    def find_spec(self, name, path=None, target=None):
        if self.waiting and name in TRIGGERS:
            self.waiting = False
            import importlib.util

            import theano_today  # noqa: F401

            # Anew, since the finders are others now.
            return importlib.util.find_spec(name)
        return None


class _Home:
    def find_spec(self, name, path=None, target=None):
        if name != "theano_today" or not HOME:
            return None
        import importlib.util

        return importlib.util.spec_from_file_location(
            name, os.path.join(HOME, "__init__.py"), submodule_search_locations=[HOME]
        )


def position_of_program(arguments):
    """Return where the program is in ``python [options] program ...``, or None; -m counts."""
    position = 1
    while position < len(arguments):
        one = arguments[position]
        if one == "-m":
            return position
        if one == "-" or one.startswith("-c"):
            return None
        if not one.startswith("-"):
            return position
        position += 2 if one in _WITH_ARGUMENT else 1
    return None


def file_of(arguments, position):
    """Return the file that a program starts with; None if it is not the user's own."""
    name = arguments[position]
    if name == "-m":
        if position + 1 >= len(arguments):
            return None
        place = os.path.join(os.getcwd(), *arguments[position + 1].split("."))
        name = place + ".py"
        if os.path.isdir(place):
            name = os.path.join(place, "__main__.py")
    elif os.path.isdir(name):
        name = os.path.join(name, "__main__.py")
    full = os.path.abspath(name)
    if not os.path.isfile(full):
        return None
    ours = os.path.abspath(sys.prefix) + os.sep
    inside = "site-packages" in full.split(os.sep)
    in_scripts = os.path.dirname(full) == os.path.abspath(os.path.join(sys.prefix, "bin"))
    return None if inside or (in_scripts and full.startswith(ours)) else full


def is_of_the_time(path):
    """Tell whether a program is to be run by ``python -m theano_today``."""
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError:
        return False
    if b"import theano_today" in source:
        return False
    import re

    words = "|".join(TRIGGERS)
    if re.search(rf"^\s*(import|from)\s+(\w+\s*,\s*)*({words})\b".encode(), source, re.MULTILINE):
        return True
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return b"\0" not in source
    return False


def start():
    sys.meta_path.insert(0, _Finder())
    sys.meta_path.append(_Home())
    arguments = list(getattr(sys, "orig_argv", []))
    position = position_of_program(arguments)
    if position is None or sys.flags.isolated or sys.flags.interactive:
        return
    path = file_of(arguments, position)
    if path is not None and is_of_the_time(path):
        arguments[0] = sys.executable
        arguments[position:position] = ["-m", "theano_today"]
        os.execv(sys.executable, arguments)


if __name__ != "theano_today.setup.startup":
    start()

"""The root logger is the program's, also where Theano imports numpy.distutils (Python 3.11)."""

from tests.fresh_python import fresh_python

PROGRAM = """
import logging
logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
logging.getLogger("quiet").setLevel(logging.ERROR)
import theano_today
import theano, lasagne, nolearn.lasagne
try:
    from numpy.distutils import log
except ImportError:  # Python 3.12
    pass
else:
    log.info("of no interest")
    log.debug("of no interest")
logging.info("trains %d", 1)
logging.getLogger("net").info("trains %d", 2)
logging.getLogger("quiet").warning("nothing")
logging.warning("slow")
try:
    1 / 0
except ZeroDivisionError:
    logging.exception("failed")
print(type(logging.getLogger()).__name__, logging.getLogger().level == logging.INFO)
"""


def test_levels_and_handlers_are_the_programs_own():
    done = fresh_python("-c", PROGRAM)
    assert done.stdout == "RootLogger True\n"
    lines = done.stderr.splitlines()
    assert lines[:4] == ["INFO trains 1", "INFO trains 2", "WARNING slow", "ERROR failed"], lines
    assert lines[-1] == "ZeroDivisionError: division by zero"

"""Python 2's modules by their names, in a program that only imports theano_today."""

import importlib.util

import pytest

from tests.fresh_python import says
from theano_today.python2.modules import supplied


def test_all_of_them_import():
    """But for those that this machine's Python is built without, which say so."""
    code = f"""
import importlib, theano_today
for name in {sorted(supplied.NAMES)!r}:
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        print(name, error.name)
    else:
        assert len([n for n in dir(module) if not n.startswith("_")]), name
"""
    may_lack = {"tkinter", "_tkinter", "_gdbm", "winreg", "PIL", "dbm.gnu", "gdbm"}
    for line in says(code).splitlines():
        assert may_lack.intersection(line.split()), line


def test_their_names():
    code = """
import theano_today
import cPickle as pickle, cStringIO, StringIO, Queue, urllib2, urlparse, ConfigParser, thread
import copy_reg, HTMLParser, httplib, commands, __builtin__, anydbm, SocketServer, md5, sha, sets
import exceptions, UserDict, new, xml.etree.cElementTree as etree, pipes, email.MIMEText
from Queue import Empty
pickle.load, cStringIO.StringIO, StringIO.StringIO, Queue.Queue, urllib2.urlopen, urllib2.URLError
urlparse.urljoin, ConfigParser.SafeConfigParser, thread.start_new_thread, thread.error
copy_reg.pickle, HTMLParser.HTMLParser, httplib.HTTPConnection, commands.getoutput
__builtin__.xrange, anydbm.open, SocketServer.TCPServer, sets.Set, exceptions.IOError
UserDict.DictMixin, new.instancemethod, etree.fromstring, pipes.quote, email.MIMEText.MIMEText
print(md5.new("abc").hexdigest()[:6], sha.new("abc").hexdigest()[:6], sets.Set([1]))
"""
    assert says(code) == "900150 a9993e {1}\n"


def test_a_module_of_that_name_wins(tmp_path):
    (tmp_path / "Queue.py").write_text("x = 'mine'\n")
    code = "import theano_today, Queue; print(Queue.x)"
    assert says(code, PYTHONPATH=tmp_path) == "mine\n"


def test_pickles_of_python_2():
    """Written by CPython 2.7.18 and NumPy 1.16.6, protocols 0 and 2: [1, 'é', array([1., 2.])]."""
    code = r"""
import theano_today, cPickle, pickle
data = (b"(lp0\nI1\naS'\\xc3\\xa9'\np1\nacnumpy.core.multiarray\n_reconstruct\np2\n(cnumpy\nndarray"
        b"\np3\n(I0\ntp4\nS'b'\np5\ntp6\nRp7\n(I1\n(I2\ntp8\ncnumpy\ndtype\np9\n(S'f8'\np10\nI0\nI1"
        b"\ntp11\nRp12\n(I3\nS'<'\np13\nNNNI-1\nI-1\nI0\ntp14\nbI00\nS'\\x00\\x00\\x00\\x00\\x00"
        b"\\x00\\xf0?\\x00\\x00\\x00\\x00\\x00\\x00\\x00@'\np15\ntp16\nba.")
one, text, array = cPickle.loads(data)
print(one, text.encode("latin-1").decode(), array.tolist())
try: pickle.loads(data)
except UnicodeDecodeError: print("pickle is Python's own")
"""
    assert says(code) == "1 é [1.0, 2.0]\npickle is Python's own\n"


@pytest.mark.parametrize("name", sorted(supplied.RENAMED))
def test_names_are_not_those_of_today(name):
    """Nothing that Python 3.11 to 3.15 has itself stands in the table."""
    assert "." in name or importlib.util.find_spec(name).origin == "supplied by theano_today"

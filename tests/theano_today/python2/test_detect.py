"""What says that a program is Python 2, and what was written for both."""

import pytest

from tests.fissix_needed import needs_fissix
from theano_today.python2 import detect

pytestmark = needs_fissix


@pytest.mark.parametrize(
    "source",
    [
        "print 'a'\n",
        "try: pass\nexcept E, e: pass\n",
        "x = 0777\n",
        "import cPickle\n",
        "import cPickle as pickle\n",
        "from Queue import Queue\n",
        "import urllib2, os\n",
        "for i in xrange(3): pass\n",
        "d.iteritems()\n",
        "if d.has_key(1): pass\n",
        "from itertools import izip\n",
        "import itertools\nitertools.izip(a, b)\n",
        "import string as s\ns.letters\n",
        "import sys\nsys.maxint\n",
        "x = raw_input()\n",
        "isinstance(a, basestring)\n",
        "raise ValueError, 'x'\n",
        "if a:\n\tx\n        y\n",
        "x = [0] + map(str, y)\n",
        "x = range(3) + [7]\n",
        "x = zip(a, b)[0]\n",
        "n = len(filter(None, a))\n",
        "rng.shuffle(range(9))\n",
        "for i in range(n / 10): pass\n",
        "n = map(len, rows)\nprint(n[0])\n",
        "pairs = zip(a, b)\nprint(len(pairs))\n",
        "def f(rows):\n    n = map(len, rows)\n    w = max(n)\n    return w, list(n)\n",
        "n = filter(f, x)\nfor i in n: g(i)\nm = [i for i in n]\n",
    ],
)
def test_python_2(source):
    assert detect.is_python2(source)
    assert not detect.is_python3(source)


@pytest.mark.parametrize(
    "source",
    [
        "print('a')\n",
        "n = 7 / 2\n",
        "n = map(len, rows)\nn = list(n)\nprint(n[0], max(n), min(n))\n",
        "n = map(len, rows)\nif a:\n    max(n)\nelse:\n    min(n)\n",
        "n = zip(a, b)\nfor i in n: print(i)\n",
        "from itertools import *\nn = zip(a, b)\nlist(n), list(n)\n",
        "def f():\n    n = map(g, x)\n    return n\nn = [1]\nlen(n), n[0]\n",
        "try:\n    import cPickle as pickle\nexcept ImportError:\n    import pickle\n",
        "try:\n    import cPickle\nexcept:\n    import pickle\n",
        "try:\n    range = xrange\nexcept NameError:\n    pass\nrange(3)\n",
        "from six.moves import *\nxrange(3)\n",
        "from six.moves import xrange\nxrange(3)\n",
        "import sys\nif sys.version_info[0] == 2:\n    import urllib2\n",
        "import sys\nx = basestring if sys.version_info < (3,) else str\n",
        "if six.PY2:\n    unicode\n",
        "def reduce(x): pass\nreduce(3)\n",
        "from functools import reduce\nreduce(f, x)\n",
        "def f(file): return file.name\n",
        "if hasattr(d, 'iteritems'):\n    d.iteritems()\n",
        "import urllib.request\n",
        "try:\n    f()\nexcept (error, IOError):\n    pass\n",
        "import random\nrandom.shuffle(x)\n",
        "from string import Template\n",
        "x = range(9)[0] + len(range(3))\n",
        "from mine import zip\nzip(a, b)[0]\n",
        "x = list(map(str, y)) + [0]\n",
        "x = range + map\n",
        "x = y[a / b], y[: a / b]\n",
        "for i in range(int(n / 10), n // 10): pass\n",
    ],
)
def test_nothing_said(source):
    assert not detect.is_python2(source)


@pytest.mark.parametrize(
    "source",
    [
        "x = f'{a}'\n",
        "def f(a: int): pass\n",
        "def f(*, a): pass\n",
        "def f() -> int: pass\n",
        "x: int = 3\n",
        "if (n := 3): pass\n",
        "print('a', end='')\n",
        "class A(metaclass=M): pass\n",
        "raise A from b\n",
        "async def f(): pass\n",
        "def f():\n    x = 1\n    def g():\n        nonlocal x\n",
        "a @ b\n",
    ],
)
def test_python_3(source):
    assert detect.is_python3(source)
    assert not detect.is_python2(source)


def test_neither(tmp_path):
    assert not detect.is_python2("def f(:\n")
    path = tmp_path / "broken.py"
    path.write_text("def f(:\n")
    assert detect.python2_file(path, tmp_path) is None


def test_a_program_is_what_one_of_its_modules_is(tmp_path):
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("")
    (tmp_path / "pack" / "a.py").write_text("try: import b\nexcept ImportError: pass\n")
    (tmp_path / "pack" / "b.py").write_text("print 'x'\n")
    (tmp_path / "other.py").write_text("print 'not imported'\n")
    main = tmp_path / "main.py"
    main.write_text("import numpy\nfrom pack import a\n")
    assert detect.python2_file(main, tmp_path) == tmp_path / "pack" / "b.py"
    main.write_text("import numpy\n")
    assert detect.python2_file(main, tmp_path) is None


def test_imports_of_neighbours(tmp_path, monkeypatch):
    """In a package ``import b`` finds pack.b in Python 2 only; json and top are elsewhere, too."""
    monkeypatch.syspath_prepend(str(tmp_path))
    pack = tmp_path / "pack"
    pack.mkdir()
    main = tmp_path / "main.py"
    main.write_text("import pack.a\n")
    (tmp_path / "top.py").write_text("")
    for name in ("__init__", "b", "json", "top"):
        (pack / f"{name}.py").write_text("")
    for source, python2 in [
        ("import b\n", True),
        ("from b import x\n", True),
        ("from . import b\nimport json, top, numpy\n", False),
        ("from __future__ import absolute_import\nimport b\n", False),
        ("try:\n    import b\nexcept ImportError:\n    from . import b\n", False),
    ]:
        (pack / "a.py").write_text(source)
        assert detect.python2_file(main, tmp_path) == (pack / "a.py" if python2 else None)
        assert detect.python2_package(pack, False) is python2
    (pack / "a.py").write_text("import b\n")
    (pack / "__init__.py").unlink()
    assert detect.python2_file(main, tmp_path) is None

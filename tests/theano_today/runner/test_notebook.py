"""Notebooks: cells in order, figures to files, Python 2 and 3, formats 3 and 4."""

import json
import sys

import pytest

from tests.fissix_needed import needs_fissix
from tests.fresh_python import fresh_python


def write(path, cells, version=4, metadata=None):
    """Write a notebook; cells are source, or (type, source)."""
    made = []
    for cell in cells:
        kind, source = cell if isinstance(cell, tuple) else ("code", cell)
        key = "input" if version == 3 and kind == "code" else "source"
        made.append({"cell_type": kind, key: source.splitlines(True), "metadata": {}})
    content = {"nbformat": version, "nbformat_minor": 0, "metadata": metadata or {}}
    content |= {"worksheets": [{"cells": made}]} if version == 3 else {"cells": made}
    path.write_text(json.dumps(content))


def run(tmp_path, *arguments):
    return fresh_python("-m", "theano_today", *arguments, cwd=tmp_path)


@pytest.mark.parametrize("version", [3, 4])
def test_cells_in_order(tmp_path, version):
    write(
        tmp_path / "a.ipynb",
        [
            ("markdown", "# Title\nx = 0"),
            "import sys, beside\nx = beside.n\nx * 2",
            "def f():\n    return x\nf();",
            "print(f(), __name__, sys.argv[1:], _)\nNone",
            "",
        ],
        version,
    )
    (tmp_path / "beside.py").write_text("n = 7\n")
    done = run(tmp_path, "a.ipynb", "arg")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "14\n7 __main__ ['arg'] 14\n"


def test_a_cell_that_fails(tmp_path):
    write(tmp_path / "a.ipynb", ["def f():\n    return 1 / 0", "print(1)\nf()", "print('not run')"])
    done = run(tmp_path, "a.ipynb")
    assert (done.returncode, done.stdout) == (1, "1\n")
    assert "a.ipynb, cell 2" in done.stderr
    assert "    return 1 / 0" in done.stderr
    assert "theano_today/" not in done.stderr


@needs_fissix
@pytest.mark.parametrize(
    "metadata",
    [
        {"kernelspec": {"name": "python2"}},
        {"language_info": {"version": "2.7.9"}},
        {},
    ],
)
def test_python_2(tmp_path, metadata):
    cells = ["x = 7 / 2\nx", "import helper\n%pwd\nhelper.half(9)"]
    if not metadata:
        cells.append("print x,")
    write(tmp_path / "a.ipynb", cells, 3, metadata)
    (tmp_path / "helper.py").write_text("def half(n):\n    return n / 2\n")
    done = run(tmp_path, "--keep", "new", "a.ipynb")
    assert done.stdout.splitlines()[:2] == ["3", "4"], done.stderr
    assert "a.ipynb: Python 2, translated as it runs" in done.stderr
    assert "_py2.div(7, 2)" in (tmp_path / "new" / "a.py").read_text()


def test_figures_go_to_files(tmp_path):
    write(
        tmp_path / "a.ipynb",
        [
            "%matplotlib inline\nimport matplotlib.pyplot as plt",
            "plt.plot([1, 2]); plt.figure(); plt.plot([2, 1]); plt.show()",
            "x = 1",
            "plt.figure()\n1 / 0",
        ],
    )
    done = run(tmp_path, "a.ipynb")
    assert done.returncode == 1
    figures = sorted(path.name for path in (tmp_path / "a_figures").iterdir())
    assert figures == ["cell002_1.png", "cell002_2.png", "cell004_1.png"]
    assert "a_figures/cell002_1.png" in done.stderr


@pytest.fixture(params=["as it is here", "beside the program"])
def ipython(request, tmp_path):
    """IPython installed or not, as it is; and where it is, and tells that no session runs."""
    if request.param == "as it is here":
        return
    package = {
        "__init__.py": "from IPython import display\nversion_info = (9, 0, 0)\n"
        "def get_ipython():\n    return None\n",
        "display.py": "from IPython.core.display import IFrame, Image\ndisplay = print\n",
        "core/__init__.py": "",
        "core/display.py": "class Image:\n    def __init__(self, data): ...\nIFrame = Image\n",
    }
    (tmp_path / "IPython" / "core").mkdir(parents=True)
    for name, source in package.items():
        (tmp_path / "IPython" / name).write_text(source)


def test_commands(tmp_path, ipython):
    write(
        tmp_path / "a.ipynb",
        [
            "%load_ext theano_today\n%config InlineBackend.figure_format = 'svg'\n"
            "%load_ext no_such_extension\n!echo shell $x {1 + 1}\nfiles = !ls *.ipynb\nfiles",
            "!pip install theano\n%time y = 3\nprint(y)\n%timeit y\nprint?\n?print",
            "%%bash\necho from bash",
            "%%writefile made.py\nprint('made', __name__)",
            "%run made.py\n%env NAME=value\nimport os\nos.environ['NAME']",
            "%%time\nz = 5\nz",
            "for i in range(2):\n    !echo $i\nx = '''\n%not a command\n'''\nprint(7\n% 4)\nlen(x)",
            "%unknown thing\nfrom IPython.display import Image, display\ndisplay(Image('a.png'))",
            "%pylab inline\nsin(0) + np.pi * 0",
            "if True:\n    %cd /\n",
        ],
    )
    done = run(tmp_path, "a.ipynb")
    assert done.returncode == 0, done.stderr
    out = [line for line in done.stdout.splitlines() if "loop" not in line and "CPU" not in line]
    assert out[:8] == [
        "shell 2", "['a.ipynb']", "3", "from bash", "made __main__", "'value'", "5", "0",
    ]  # fmt: skip
    assert out[8:12] == ["1", "3", "16", "<Image>"]
    assert float(out[12].removeprefix("np.float64(").rstrip(")")) == 0
    assert out[13] == "/"
    for passed_over in ("!pip install theano", "%unknown", "%load_ext no_such_extension"):
        assert f"{passed_over} is passed over" in done.stderr
    assert "load_ext theano_today" not in done.stderr


def test_what_is_imported_of_ipython(tmp_path, ipython):
    """As scripts do that were made of notebooks. matplotlib looks whether IPython is there."""
    write(
        tmp_path / "a.ipynb",
        [
            "from IPython import get_ipython as its\nits().magic('matplotlib inline')\n"
            "its().magic('pwd') == its().run_line_magic('pwd', '')",
            "import IPython\nIPython.display.clear_output()\nIPython.display.HTML('<b>x</b>')",
            "from IPython.core.display import HTML\nHTML is IPython.display.HTML",
            "import matplotlib.pyplot as plt\nplt.ion(); plt.plot([1, 2]); plt.show()",
        ],
    )
    done = run(tmp_path, "a.ipynb")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["True", "<HTML>", "True"]
    assert (tmp_path / "a_figures" / "cell004_1.png").exists()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("no json", "this is no notebook"),
        ("[]", "it has no nbformat"),
        ('{"nbformat": 2}', "nbformat 2; formats 3 and 4 can be read"),
    ],
)
def test_what_is_no_notebook(tmp_path, content, says):
    (tmp_path / "a.ipynb").write_text(content)
    done = run(tmp_path, "a.ipynb")
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_load_ext():
    import theano_today

    assert theano_today.load_ipython_extension(object()) is None
    assert "theano_today" in sys.modules

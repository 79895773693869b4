"""Diagrams: one clear line where something that draws them is missing, and paths."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import shutil
import sys
import types

import pytest
from lasagne import layers
from nolearn.lasagne import visualize

from theano_today.errors import MissingPackageError, SetupError


class InvocationException(Exception):
    pass


class Dot:
    """What nolearn asks of pydotplus, where GraphViz is missing or is not."""

    made: list

    def __init__(self, *args, **kwargs):
        self.nodes, self.edges = [], []

    def add_node(self, node):
        self.nodes.append(node)

    def add_edge(self, edge):
        self.edges.append(edge)

    def create(self, format):
        if shutil.which("dot") is None:
            raise InvocationException("GraphViz's executables not found")
        return f"{format} of {len(self.nodes)} nodes, {len(self.edges)} edges".encode()

    def create_png(self):
        return self.create("png")


@pytest.fixture
def net():
    return [
        hidden := layers.InputLayer((None, 4)),
        layers.DenseLayer(hidden, 3),
    ]


@pytest.fixture
def pydotplus(monkeypatch):
    module = types.ModuleType("pydotplus")
    module.Dot = Dot
    module.Node = module.Edge = lambda *args, **kwargs: args
    monkeypatch.setitem(sys.modules, "pydotplus", module)


@pytest.fixture
def ipython(monkeypatch):
    display = types.ModuleType("IPython.display")
    display.Image = bytes
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", display)


def without(monkeypatch, package):
    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name.partition(".")[0] == package:
                raise ModuleNotFoundError(f"No module named {package!r}", name=package)

    for name in list(sys.modules):
        if name.partition(".")[0] == package:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])


def test_without_pydotplus(net, monkeypatch, tmp_path, ipython):
    without(monkeypatch, "pydotplus")
    for draw in (lambda: visualize.draw_to_file(net, tmp_path / "net.png"),
                 lambda: visualize.draw_to_notebook(net),
                 lambda: visualize.make_pydot_graph(net)):  # fmt: skip
        with pytest.raises(ImportError) as caught:
            draw()
        assert type(caught.value) is MissingPackageError
        assert str(caught.value) == (
            "nolearn draws nets by pydotplus, which is not installed: pip install pydotplus"
        )
    assert not list(tmp_path.iterdir())


def test_without_ipython(net, monkeypatch, pydotplus):
    without(monkeypatch, "IPython")
    with pytest.raises(MissingPackageError, match="by IPython, which is not installed"):
        visualize.draw_to_notebook(net)


def test_without_graphviz(net, monkeypatch, tmp_path, pydotplus, ipython):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    for draw in (lambda: visualize.draw_to_file(net, str(tmp_path / "net.png")),
                 lambda: visualize.draw_to_notebook(net)):  # fmt: skip
        with pytest.raises(SetupError, match="program dot was not found: install it") as caught:
            draw()
        assert "\n" not in str(caught.value)


def test_with_all_of_it(net, monkeypatch, tmp_path, pydotplus, ipython):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/dot")
    for file in (tmp_path / "net.pdf", str(tmp_path / "also.pdf")):
        visualize.draw_to_file(net, file)
    assert (tmp_path / "net.pdf").read_bytes() == b"pdf of 2 nodes, 1 edges"
    assert (tmp_path / "also.pdf").read_bytes() == b"pdf of 2 nodes, 1 edges"
    assert visualize.draw_to_notebook(net) == b"png of 2 nodes, 1 edges"


def test_errors_of_the_users_own_stay(net, tmp_path, pydotplus, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/dot")
    with pytest.raises(FileNotFoundError):
        visualize.draw_to_file(net, tmp_path / "missing" / "net.png")
    with pytest.raises(TypeError):
        visualize.draw_to_file(net, tmp_path / "net.png", no_such_option=1)

"""Hooks into imports: modules that are supplied, replaced, rewritten and mended."""

import ast
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from pathlib import Path

import pytest

from theano_today import hooks


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module of a unique name; its hooks and itself are forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    for table in ("_supplied", "_replaced", "_rewritten", "_late", "_before", "_after"):
        monkeypatch.setattr(hooks, table, dict(getattr(hooks, table)))
    before = set(sys.modules)

    def write(source, name="something_hooked"):
        (tmp_path / f"{name}.py").write_text(source)
        importlib.invalidate_caches()
        return name

    yield write
    for name in set(sys.modules) - before:
        if name.startswith("something_hooked"):
            del sys.modules[name]


def test_a_module_that_is_not_there_is_supplied(module):
    hooks.supply("something_hooked", lambda m: setattr(m, "answer", 42))
    hooks.supply("something_hooked.part", lambda m: setattr(m, "answer", 43))
    part = importlib.import_module("something_hooked.part")
    assert (sys.modules["something_hooked"].answer, part.answer) == (42, 43)


def test_an_installed_module_wins_over_a_supplied_one_and_not_over_a_replacement(module):
    name = module("answer = 1")
    hooks.supply(name, lambda m: setattr(m, "answer", 42))
    assert importlib.import_module(name).answer == 1
    del sys.modules[name]
    hooks.replace(name, lambda m: setattr(m, "answer", 42))
    assert importlib.import_module(name).answer == 42


def test_what_runs_before_and_after(module):
    name, seen = module("answer = 1"), []
    hooks.before_import(name, lambda: seen.append(name in sys.modules))
    hooks.after_import(name, lambda m: setattr(m, "answer", m.answer + 1))
    assert importlib.import_module(name).answer == 2
    assert len(seen) == 1
    # A reload executes the source again, and mends it again.
    assert importlib.reload(sys.modules[name]).answer == 2


def test_imports_that_come_when_they_are_used(module):
    module("def double(x):\n    return 2 * x\n", "something_hooked_late")
    module("import json.tool\nfrom something_hooked_also import answer", "something_hooked_other")
    module("answer = 42", "something_hooked_also")
    name = module(
        "from something_hooked_late import double\n"
        "import something_hooked_other\n"
        "def call(x):\n"
        "    return double(x=x)\n"
    )
    hooks.import_late(name, ["something_hooked_late"])
    loaded = importlib.import_module(name)
    assert "something_hooked_late" not in sys.modules
    assert sys.modules["something_hooked_other"].answer == 42  # others come at once
    assert (loaded.double.__module__, loaded.double.__name__) == ("something_hooked_late", "double")
    assert loaded.call(21) == 42
    assert "something_hooked_late" in sys.modules
    # What is there already is taken as it is.
    assert importlib.reload(loaded).double is sys.modules["something_hooked_late"].double


def test_a_late_import_of_what_is_not_there(module):
    name = module("from something_hooked_nowhere import f\ndef call():\n    return f()\n")
    hooks.import_late(name, ["something_hooked_nowhere"])
    with pytest.raises(ModuleNotFoundError, match="something_hooked_nowhere"):
        importlib.import_module(name).call()


def test_what_is_imported_already_is_mended_at_once_and_once_only(module):
    name = module("answer = 1")
    loaded = importlib.import_module(name)

    def mend(m):
        m.answer += 1

    hooks.after_import(name, mend)
    hooks.after_import(name, mend)
    assert loaded.answer == 2


def test_an_error_before_the_import_is_the_imports(module):
    name = module("answer = 1")

    def refuse():
        raise OSError("no compiler")

    hooks.before_import(name, refuse)
    with pytest.raises(OSError, match="no compiler"):
        importlib.import_module(name)
    assert name not in sys.modules


def test_source_is_rewritten(module):
    name = module("import nothing_of_this_name\nanswer = helper() + 1\nfile = __file__")

    def without_imports(tree):
        tree.body = [node for node in tree.body if not isinstance(node, ast.Import)]
        return tree

    hooks.rewrite(name, without_imports, lambda m: setattr(m, "helper", lambda: 1))
    loaded = importlib.import_module(name)
    assert loaded.answer == 2
    assert loaded.file.endswith(f"{name}.py")


def test_a_loader_of_many_modules_loads_the_others_as_before(module):
    """As pytest's, which is the loader of every module that it rewrites."""
    hooked, other = module("answer = 1"), module("answer = 10", "something_hooked_not")

    class Loader(importlib.machinery.SourceFileLoader):
        def __init__(self):
            pass

        def get_filename(self, name):
            return self.path_of(name)

        def get_code(self, name):
            return compile(Path(self.path_of(name)).read_text(), name, "exec")

        def path_of(self, name):
            return importlib.machinery.PathFinder.find_spec(name).origin

    class Finder(importlib.abc.MetaPathFinder):
        loader = Loader()

        def find_spec(self, name, path=None, target=None):
            if name in (hooked, other):
                return importlib.util.spec_from_loader(name, self.loader)
            return None

    hooks.after_import(hooked, lambda m: setattr(m, "answer", m.answer + 1))
    finder = Finder()
    sys.meta_path.insert(1, finder)
    try:
        assert importlib.import_module(hooked).answer == 2
        assert importlib.import_module(other).answer == 10
        assert "exec_module" not in vars(finder.loader)
    finally:
        sys.meta_path.remove(finder)


def test_installing_twice_leaves_one_pair_of_finders():
    before = list(sys.meta_path)
    try:
        hooks.install()
        ours = [type(f).__name__ for f in sys.meta_path if type(f).__module__ == hooks.__name__]
        assert ours == ["_First", "_Last"]
        assert ours == [type(sys.meta_path[i]).__name__ for i in (0, -1)]
    finally:
        sys.meta_path[:] = before

"""Which files are a program's own, and how they are imported."""

import ast
import importlib
import json
import sys
from pathlib import Path

import numpy
import pytest

import theano_today
from tests.fissix_needed import needs_fissix
from theano_today import hooks
from theano_today.python2 import detect
from theano_today.python2.program import Program


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_owned(folder):
    program = Program((folder,), python2=True)
    (folder / "link.py").symlink_to(__file__)
    assert program.owns(folder / "a" / "b.py")
    assert not program.owns(folder.parent / "b.py")
    assert not program.owns(folder / "env" / "site-packages" / "b.py")
    assert program.owns(folder / "link.py")
    assert not program.owns(folder / "absent" / ".." / ".." / "b.py")


def test_a_checkout_in_the_folder_is_not_the_programs(folder):
    root = Path(theano_today.__file__).parents[1]
    program = Program((root,), python2=True)
    assert not program.owns(root / "theano_today" / "hooks.py")
    assert program.owns(root / "net2.py")


def test_owned_modules(folder):
    (folder / "pickle.py").write_text("")
    (folder / "math").mkdir()
    program = Program((folder,), python2=True)
    assert program.owns_module("pickle.x")
    assert not program.owns_module("math")
    (folder / "math" / "__init__.py").write_text("")
    assert program.owns_module("math")


@needs_fissix
def test_imported(folder, capsys):
    (folder / "a_module_of_2.py").write_text("print 7 / 2\nx = 7 / 2\n")
    (folder / "a_module_of_3.py").write_text("x = f'{7 / 2}'\n")
    program = Program((folder,), python2=True, keep=folder / "kept")
    program.install()
    program.install()
    assert importlib.import_module("a_module_of_2").x == 3
    assert importlib.import_module("a_module_of_3").x == "3.5"
    assert program.translated == [folder / "a_module_of_2.py"]
    assert [path.name for path in (folder / "kept").iterdir()] == ["a_module_of_2.py"]
    out, err = capsys.readouterr()
    assert out == "3\n"
    assert err.count("translated as it runs") == 1
    module = importlib.reload(sys.modules["a_module_of_2"])
    assert module.x == 3
    assert module.__file__ == str(folder / "a_module_of_2.py")


@pytest.fixture
def elsewhere(folder, tmp_path_factory, monkeypatch):
    """A folder that the program adds to sys.path."""
    place = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.syspath_prepend(place)
    return place


def _write(folder, **files):
    folder.mkdir(parents=True)
    for name, text in {"__init__": "", **files}.items():
        (folder / f"{name}.py").write_text(text)


@needs_fissix
def test_packages_elsewhere_are_judged_by_their_own_files(folder, elsewhere, monkeypatch):
    _write(elsewhere / "package_of_2", silent="x = 7 / 2\n", signs="print 'signs'\n")
    _write(elsewhere / "package_of_3", silent="x = 7 / 2\n", signs="x = f'{7 / 2}'\n")
    _write(elsewhere / "package_of_any", silent="x = 7 / 2\n")
    _write(elsewhere / "added" / "package_of_the_programs", silent="x = 7 / 2\n")
    (elsewhere / "lone_module_of_3.py").write_text("def f(a: int): ...\nx = 7 / 2\n")
    program = Program((folder,), python2=True, keep=folder / "kept")
    program.install()
    monkeypatch.syspath_prepend(elsewhere / "added")
    packages = ("package_of_2", "package_of_3", "package_of_any", "package_of_the_programs")
    values = [importlib.import_module(f"{name}.silent").x for name in packages]
    assert values == [3, 3.5, 3.5, 3]
    assert importlib.import_module("lone_module_of_3").x == 3.5
    kept = {str(path.relative_to(folder / "kept")) for path in (folder / "kept").rglob("*.py")}
    assert "package_of_2/silent.py" in kept


@needs_fissix
def test_a_package_of_python_2_elsewhere_for_a_program_of_3(folder, elsewhere):
    _write(elsewhere / "library_of_2", signs="print 'signs'\n", silent="x = 7 / 2\n")
    _write(elsewhere / "library_of_3", silent="x = 7 / 2\n")
    _write(elsewhere / "implicit", __init__="import sibling\n", sibling="xrange(3)\n")
    Program((folder,), python2=False).install()
    assert importlib.import_module("library_of_3.silent").x == 3.5
    assert importlib.import_module("library_of_2.silent").x == 3
    importlib.import_module("library_of_2.signs")
    assert importlib.import_module("implicit").sibling.__name__ == "implicit.sibling"


def test_what_belongs_to_nobody(folder, elsewhere, monkeypatch):
    program = Program((folder,), python2=True)
    installed = folder.parent / "env" / "site-packages"
    monkeypatch.syspath_prepend(installed)
    assert program.package_of(Path(json.__file__)) is None
    assert program.package_of(Path(numpy.__file__)) is None
    assert program.package_of(Path(pytest.__file__)) is None
    assert program.package_of(installed / "a.py") is None
    assert program.package_of(Path(theano_today.__file__)) is None
    assert program.package_of(elsewhere / "theano" / "tensor.py") is None
    assert program.package_of(elsewhere / "a" / "b.py") == elsewhere / "a"
    assert program.has(elsewhere / "a" / "b.py")
    assert program.has(folder / "a.py")
    assert not program.has(installed / "a.py")
    assert program.package_of(elsewhere / ".." / "b.py") is None


_OLD = "Name: old\n\nPython :: 3 in the description"
_BOTH = "Name: both\nClassifier: Programming Language :: Python :: 3.4\n"
_NEW = "Name: new\nRequires-Python: >=3.9\n"


@needs_fissix
@pytest.mark.parametrize("folder_name", ["site-packages", "by_target"])
def test_installed_packages_of_python_2(folder, elsewhere, monkeypatch, folder_name):
    site = elsewhere / folder_name
    for name, said, file in (
        ("old", _OLD, "METADATA"),
        ("both", _BOTH, "METADATA"),
        ("new", _NEW, "METADATA"),
        ("egg", _OLD, "PKG-INFO"),
        ("silent", _BOTH.replace("both", "silent"), "METADATA"),
    ):
        signs = "" if name == "silent" else "def f(d): return d.has_key(1)\n"
        broken = "print 'broken'\nx = 7 / 2\n"
        _write(site / f"installed_{name}", half="x = 7 / 2\n", signs=signs, broken=broken)
        info = site / f"a.package_{name}-1.0.{'egg' if name == 'egg' else 'dist'}-info"
        info.mkdir()
        (info / file).write_text(said)
        (info / "top_level.txt").write_text(f"installed_{name}\n")
    (site / "installed_other").mkdir()
    (site / "installed_other" / "half.py").write_text("x = 7 / 2\n")
    monkeypatch.syspath_prepend(site)
    Program((folder,), python2=True).install()
    names = ("old", "egg", "both", "new", "silent", "other")
    values = [importlib.import_module(f"installed_{name}.half").x for name in names]
    assert values == [3, 3, 3.5, 3.5, 3.5, 3.5]
    for name in names[:-1]:
        importlib.import_module(f"installed_{name}.signs")
    assert importlib.import_module("installed_old.signs").f({1: 2})
    # Its metadata names Python 3, and it is not.
    assert importlib.import_module("installed_both.broken").x == 3
    (site / "installed_new" / "wrong.py").write_text("def f(:\n")
    with pytest.raises(SyntaxError):
        importlib.import_module("installed_new.wrong")
    for name in list(sys.modules):
        if name.startswith("installed_"):
            del sys.modules[name]


@needs_fissix
def test_hooks_see_installed_packages_of_python_2(folder, elsewhere, monkeypatch):
    def change(tree):
        tree.body += ast.parse("changed = True").body
        return tree

    for table in ("_rewritten", "_after"):
        monkeypatch.setattr(hooks, table, dict(getattr(hooks, table)))
    hooks.install()  # as it is by theano_today
    hooks.rewrite("hooked_of_2.rewritten", change)
    hooks.after_import("hooked_of_2.mended", lambda module: setattr(module, "x", module.x + 1))
    _write(elsewhere / "hooked_of_2", rewritten="x = 7\n", mended="x = 7 / 2\nprint 'signs'\n")
    Program((folder,), python2=True).install()
    assert importlib.import_module("hooked_of_2.rewritten").changed
    assert importlib.import_module("hooked_of_2.mended").x == 4


@needs_fissix
def test_hooks_see_installed_packages_of_python_3(folder, elsewhere, monkeypatch):
    site = elsewhere / "site-packages"
    _write(site / "hooked_package", half="x = 7 / 2\n")
    (site / "hooked_package-1.dist-info").mkdir()
    (site / "hooked_package-1.dist-info" / "METADATA").write_text(_NEW)
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(hooks, "_after", {})
    hooks.install()
    hooks.after_import("hooked_package.half", lambda module: setattr(module, "x", module.x + 1))
    Program((folder,), python2=True).install()
    assert importlib.import_module("hooked_package.half").x == 4.5


@needs_fissix
def test_where_the_user_says_python_2_silent_packages_are(folder, elsewhere):
    _write(elsewhere / "silent_for_once", silent="x = 7 / 2\n")
    Program((folder,), python2=True, asked=True).install()
    assert importlib.import_module("silent_for_once.silent").x == 3


@needs_fissix
def test_what_python_3_can_parse_stays(folder):
    program = Program((folder,), python2=False)
    assert program.code_of(folder / "a.py", "x = 7 / 2\n") is None
    assert program.code_of(folder / "a.py", "print 7 / 2\n") is not None


@needs_fissix
def test_a_mistake(folder):
    program = Program((folder,), python2=True)
    with pytest.raises(SyntaxError) as caught:
        program.code_of(folder / "a.py", "print 1\nx = (\nprint 2\n")
    assert caught.value.lineno == 3
    assert program.code_of(folder / "a.py", "def f(:\n") is None
    assert detect.parse("def f(:\n") is None

"""setup --always and --never: in an environment of its own, made without pip."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fissix_needed import needs_fissix
from theano_today.errors import SetupError
from theano_today.setup import always, startup

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("line", "position"),
    [
        ("python prog.py a", 1),
        ("python -u -W ignore -X dev prog.py -m x", 6),
        ("python -m pack.tool a", 1),
        ("python -O -m pack", 2),
        ("python -c code", None),
        ("python -ccode", None),
        ("python -", None),
        ("python", None),
        ("python -i", None),
    ],
)
def test_where_the_program_is(line, position):
    assert startup.position_of_program(line.split()) == position


@pytest.mark.parametrize(
    ("source", "ours"),
    [
        ("import theano\n", True),
        ("import sys, os\nimport numpy, theano.tensor as T\n", True),
        ("if a:\n    from lasagne import layers\n", True),
        ("print 'x'\n", True),
        ("import cPickle as pickle\n", True),
        ("import theano_today, theano\n", False),
        ("import theanofoo\n# import theano\n", False),
        ("print('x')\n", False),
    ],
)
def test_which_programs(tmp_path, source, ours):
    path = tmp_path / "prog.py"
    path.write_text(source)
    assert startup.is_of_the_time(str(path)) == ours
    assert not startup.is_of_the_time(str(tmp_path / "absent.py"))


def test_only_the_users_own_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    for name in (
        "prog.py",
        "pack/__main__.py",
        "env/bin/pytest",
        "env/own.py",
        "site-packages/x.py",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")

    def file_of(*arguments):
        found = startup.file_of(["python", *arguments], 1)
        return found and str(Path(found).relative_to(tmp_path))

    assert file_of("prog.py") == "prog.py"
    assert file_of("-m", "prog") == "prog.py"
    assert file_of("-m", "pack") == file_of("pack") == "pack/__main__.py"
    assert file_of("env/own.py") == "env/own.py"
    for absent in (
        ["env/bin/pytest"],
        ["site-packages/x.py"],
        ["absent.py"],
        ["-m", "json"],
        ["-m"],
    ):
        assert file_of(*absent) is None


def test_the_systems_python_is_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    with pytest.raises(SetupError, match="make one first: python -m venv"):
        always.add()


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A virtual environment that sees this one's packages."""
    folder = tmp_path_factory.mktemp("env")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    paths = [p for p in sys.path if Path(p, "numpy").is_dir() or Path(p, "fissix").is_dir()]
    (site / "packages.pth").write_text("\n".join(paths))
    return folder / "bin" / "python"


@needs_fissix
def test_programs_run_by_plain_python(environment, tmp_path):
    def python(*arguments):
        return subprocess.run(
            [environment, *arguments], cwd=tmp_path, capture_output=True, text=True
        )

    code = "import sys; sys.path.insert(0, sys.argv[1]); from theano_today.setup import always; "
    old = tmp_path / "old.py"
    old.write_text("import cPickle, sys\nprint 7 / 2, sys.argv[1:], cPickle.dumps(1)[:0]\n")
    new = tmp_path / "new.py"
    new.write_text("import sys\nprint(7 / 2, 'theano_today' in sys.modules)\n")
    later = tmp_path / "later.py"
    later.write_text("name = 'cPickle'\nprint(__import__(name).__name__)\n")
    assert python(old).returncode == 1
    assert "revived" in python("-c", code + "always.add()", ROOT).stdout

    done = python("-u", old, "a", "-b")
    assert (done.returncode, done.stdout) == (0, "3 ['a', '-b'] b''\n".replace("b''", "")), (
        done.stderr
    )
    assert python("-m", "old", "x").stdout.startswith("3 ['x']")
    assert python(new).stdout == "3.5 False\n"
    assert python(later).stdout == "cPickle\n"
    assert python("-c", "print(7 / 2)").stdout == "3.5\n"

    assert "not revived any more" in python("-c", code + "always.remove()", ROOT).stdout
    assert python(old).returncode == 1
    assert "was not given" in python("-c", code + "always.remove()", ROOT).stdout

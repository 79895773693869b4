"""The kernels' library: compiled once, for whoever comes, and never in the way; its memory."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import gc
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import theano

from tests.fresh_python import ROOT, fresh_python
from tests.theano_graphs import stock
from theano_today.engine import library

# Says whether the engine is on, and computes: a stage where it is, which takes no compiler, else
# something that Theano compiles in a few seconds.
CODE = """
import theano_today, numpy as np, theano, theano.tensor as T
from theano_today.engine import dispatch
if dispatch.is_on():
    from theano.tensor.nnet import conv2d
    from theano.tensor.signal.pool import pool_2d
    x, w = T.tensor4(), theano.shared(np.ones((4, 1, 3, 3), np.float32))
    p = pool_2d(conv2d(x, w, filter_shape=(4, 1, 3, 3)), (2, 2), ignore_border=True)
    f = theano.function([x], [p, theano.grad(p.sum(), w)])
    names = {type(n.op).__name__ for n in f.maker.fgraph.toposort()}
    print('fused', {'ConvPool', 'ConvPoolGrad'} <= names)
    out, slope = f(np.ones((2, 1, 8, 8), np.float32))
    print(out.sum(), slope.sum())
else:
    x = T.vector()
    print('stock', theano.function([x], 2 * x)(np.ones(2, np.float32)).tolist())
"""
FUSED = ["fused True", "648.0 2592.0"]  # 2 * 4 * 3 * 3 windows of 9; of 4 ties each
STOCK = ["stock [2.0, 2.0]"]
SLOW = "running on Theano's own ops, which are several times slower"


@pytest.fixture
def folder(tmp_path):
    """A compile directory of its own, without kernels, but with what Theano itself starts with."""
    x = theano.tensor.vector()
    stock([x], 2 * x)  # compiles that, if nobody has yet
    compiled = Path(theano.config.compiledir)
    for name in ("cutils_ext", "lazylinker_ext"):
        shutil.copytree(compiled / name, tmp_path / "compiled" / compiled.name / name)
    return tmp_path / "compiled"


def stage(folder, code=CODE, **flags):
    flags = {"base_compiledir": folder} | flags
    text = ",".join(f"{name}={value}" for name, value in flags.items())
    done = fresh_python("-c", code, THEANO_FLAGS=text)
    assert done.returncode == 0, done.stderr
    return done


def kernels_in(folder):
    return sorted(path.name for path in folder.glob("kernels-*"))


def fakes(tmp_path, on_kernels):
    """A compiler that is the real one but does as `on_kernels` says (sh) with the kernels."""
    path = tmp_path / "bin" / "g++"  # Theano goes by the name
    path.parent.mkdir()
    real = shutil.which(theano.config.cxx.split()[0])
    path.write_text(
        f'#!/bin/sh\ncase "$*" in *kernels-*)\n{on_kernels}\n;; esac\nexec {real} "$@"\n'
    )
    path.chmod(0o755)
    return path


def copying(tmp_path, on_stages=""):
    """A compiler that copies what was compiled before, but does as `on_stages` says (sh) first.

    Of the objects of convolutions one is a text, by which the linker tells which library it makes.
    """
    base, stages = library.kernels()._name, library.stages()._name
    return fakes(
        tmp_path,
        f"""for out; do :; done
sleep 0.5
case "$*" in
*-DPART=[12]*) {on_stages or ":"}; touch "$out.stages" "$out" ;;
*-DPART=*) touch "$out" ;;
*) if rm "$out".*.stages 2> /dev/null; then cp {stages} "$out"; else cp {base} "$out"; fi ;;
esac
exit""",
    )


@pytest.fixture
def quick(tmp_path):
    """A compiler that takes a second for a library."""
    return copying(tmp_path)


def test_compiled_once(folder):
    first = stage(folder)
    assert first.stdout.splitlines() == FUSED
    assert first.stderr == ""
    names = kernels_in(folder)
    assert len(names) == 2
    assert all(name.endswith(".so") for name in names)
    before = [(folder / name).stat().st_mtime_ns for name in names]
    assert stage(folder).stdout == first.stdout
    assert kernels_in(folder) == names
    assert [(folder / name).stat().st_mtime_ns for name in names] == before


def test_two_processes_at_once(folder, quick):
    variables = os.environ | {
        "PYTHONPATH": str(ROOT), "THEANO_FLAGS": f"base_compiledir={folder},cxx={quick}",
    }  # fmt: skip
    both = [
        subprocess.Popen(
            [sys.executable, "-c", CODE], env=variables, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in both:
        out, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
        assert out.splitlines() == FUSED
        assert "kernels could not" not in errors
    assert len(kernels_in(folder)) == 2


def test_a_compiler_that_cannot(folder, tmp_path):
    broken = fakes(tmp_path, "echo 'glue.cpp:1: error: no such standard' >&2; exit 1")
    done = stage(folder, cxx=broken)
    assert done.stdout.splitlines() == STOCK
    (line,) = done.stderr.splitlines()
    assert line.startswith("the kernels could not be compiled (")
    assert line.endswith(f"glue.cpp:1: error: no such standard); {SLOW}")
    assert kernels_in(folder) == []


def test_a_compiler_that_dies(folder, tmp_path):
    done = stage(folder, cxx=fakes(tmp_path, "kill -9 $$"))
    assert done.stdout.splitlines() == STOCK
    (line,) = done.stderr.splitlines()
    assert line.startswith("the kernels could not be compiled (")
    assert line.endswith(SLOW)
    assert kernels_in(folder) == []


def test_a_compiler_that_cannot_compile_convolutions(folder, tmp_path):
    """For want of memory, say: tried again, then NumPy does them."""
    done = stage(folder, cxx=copying(tmp_path, "echo no memory >&2; exit 1"))
    assert done.stdout.splitlines() == FUSED
    (line,) = done.stderr.splitlines()
    assert line.startswith("the kernels of convolutions could not be compiled (no memory);")
    assert "engine=stock" in line
    (name,) = kernels_in(folder)
    assert name.endswith(".so")


def test_convolutions_are_compiled_again(folder, tmp_path):
    tried = tmp_path / "tried"
    done = stage(folder, cxx=copying(tmp_path, f"mkdir {tried} 2> /dev/null && kill -9 $$"))
    assert done.stdout.splitlines() == FUSED
    assert done.stderr == ""
    assert tried.exists()
    assert len(list(folder.glob("kernels-*.so"))) == 2


@pytest.mark.parametrize(
    "damage", ["cut off", *(pytest.param(d, marks=pytest.mark.long) for d in ("text", "empty"))]
)
def test_a_damaged_file(folder, quick, damage):
    """A disk that was full, a power cut: it is compiled again."""
    stage(folder, cxx=quick)
    paths = list(folder.glob("kernels-*.so"))
    data = [path.read_bytes() for path in paths]
    for path, whole in zip(paths, data, strict=True):
        damaged = {"text": b"no library\n" * 99, "empty": b"", "cut off": whole[:1000]}[damage]
        path.write_bytes(damaged)
    done = stage(folder, cxx=quick)
    assert done.stdout.splitlines() == FUSED
    assert done.stderr == ""
    assert [path.read_bytes() for path in paths] == data


def test_one_library_is_there(folder, quick):
    """As after a kill between the two: the other alone is compiled."""
    stage(folder, cxx=quick)
    for path in sorted(folder.glob("kernels-*.so")):
        path.unlink()
        (other,) = folder.glob("kernels-*.so")
        before = other.stat().st_mtime_ns
        assert stage(folder, cxx=quick).stdout.splitlines() == FUSED
        assert path.exists()
        assert other.stat().st_mtime_ns == before


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
def test_both_libraries_have_the_same_threads():
    code = """
import os, theano_today, numpy as np, theano, theano.tensor as T
from theano_today.engine import library
before = len(os.listdir('/proc/self/task'))
x, w = T.tensor4(), theano.shared(np.ones((16, 1, 3, 3), np.float32))
h = T.tanh(T.nnet.conv2d(x, w, filter_shape=(16, 1, 3, 3)))
f = theano.function([x], T.exp(T.dot(h.flatten(2), h.flatten(2).T)))
f(np.ones((64, 1, 40, 40), np.float32))
names = {type(node.op).__name__ for node in f.maker.fgraph.toposort()}
print('ConvPool' in names, len(os.listdir('/proc/self/task')) - before)
"""
    done = fresh_python("-c", code, OMP_NUM_THREADS=3, OPENBLAS_NUM_THREADS=1)
    assert done.stderr == ""
    assert done.stdout == "True 2\n"


def test_stock_compiles_no_kernels(folder):
    done = stage(folder, engine="stock")
    assert done.stdout.splitlines() == STOCK
    assert done.stderr == ""
    assert kernels_in(folder) == []


def test_a_wrong_word_for_the_engine(folder):
    done = fresh_python("-c", "import theano_today, theano", THEANO_FLAGS="engine=fast")
    assert done.returncode != 0
    assert "fast" in done.stderr.splitlines()[-1]
    assert "stock" in done.stderr.splitlines()[-1]


def test_a_process_that_computes_nothing_leaves_nothing_half_done(folder, quick):
    """It may have started the compiler, which goes on by itself and ends as it should."""
    stage(folder, "import theano_today, theano", cxx=quick)
    deadline = time.monotonic() + 30
    while any(".tmp" in name for name in kernels_in(folder)) and time.monotonic() < deadline:
        time.sleep(0.1)
    names = kernels_in(folder)
    assert len(names) == 2
    assert stage(folder, cxx=quick).stdout.splitlines() == FUSED
    assert kernels_in(folder) == names


def test_what_a_killed_compiler_left_is_removed(folder, quick):
    old, new = (folder / f"kernels-{name}.so.tmp" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (1, 1))
    stage(folder, cxx=quick)
    assert not old.exists()
    assert new.exists()  # somebody may be at it


FORKS = """
import theano_today, multiprocessing, sys
import numpy as np, theano, theano.tensor as T
from theano_today.engine import dispatch, library
def work(queue):
    queue.put(library.stages() is not None)
context = multiprocessing.get_context('fork')
queue = context.Queue()
children = [context.Process(target=work, args=(queue,)) for _ in range(3)]
for child in children:
    child.start()
print([queue.get(timeout=200) for _ in children], dispatch.is_on())
for child in children:
    child.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_children_forked_while_it_is_being_compiled(folder, quick):
    """As scikit-learn's grids do, before the parent has compiled a function."""
    done = stage(folder, FORKS, cxx=quick)
    assert done.stderr == ""
    assert done.stdout == "[True, True, True] True\n"
    assert len(kernels_in(folder)) == 2


class TestThreads:
    def test_as_the_user_says(self, monkeypatch):
        for given, wanted in (("3", 3), ("1", 1), ("2,4", 2), (" 2", 2)):
            monkeypatch.setenv("OMP_NUM_THREADS", given)
            assert library.threads() == wanted, given

    @pytest.mark.parametrize("given", ["", "0", "-1", "many"])
    def test_nothing_that_makes_sense(self, monkeypatch, given):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        usual = library.threads()
        assert 1 <= usual <= os.cpu_count()
        monkeypatch.setenv("OMP_NUM_THREADS", given)
        assert library.threads() == usual

    @pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only")
    def test_no_more_than_may_be_used(self, monkeypatch):
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
        allowed = os.sched_getaffinity(0)
        try:
            os.sched_setaffinity(0, {min(allowed)})
            assert library.threads() == 1
        finally:
            os.sched_setaffinity(0, allowed)


class TestMemory:
    LARGE = (600, 700)  # floats: more than what NumPy's own memory is used for

    def test_of_the_shape_and_dtype(self):
        for shape in ((), (0,), (3, 0, 4), (5,), self.LARGE, (70, 1, 90, 100)):
            for dtype in ("float32", "uint8", "float64", "bool"):
                array = library.empty(shape, dtype)
                assert (array.shape, array.dtype) == (shape, np.dtype(dtype))
                assert array.flags.c_contiguous
                assert array.flags.writeable
                assert array.flags.aligned
                array[...] = 1
                assert array.sum() == array.size

    def test_used_again_when_nobody_holds_it(self):
        array = library.empty(self.LARGE)
        address = array.ctypes.data
        view = array[3:5, ::2]
        del array
        gc.collect()
        other = library.empty(self.LARGE)  # the view still holds it
        assert other.ctypes.data != address
        view[...] = 7
        other[...] = 1
        assert (view == 7).all()
        del view
        gc.collect()
        held = []  # there may be memory of others that comes first
        while address not in (array.ctypes.data for array in held):
            held.append(library.empty(self.LARGE))
            assert len(held) < 500

    def test_more_than_there_is(self):
        with pytest.raises(MemoryError):
            library.empty((1 << 31, 1 << 28))

    def test_a_kernel_that_runs_out_of_it(self, monkeypatch):
        class Full:
            @staticmethod
            def today_update(*arguments):
                return 1

        monkeypatch.setattr(library, "kernels", Full)
        with pytest.raises(MemoryError, match="not enough memory for the kernels"):
            library.call("today_update", None)

    def test_pickles_and_copies_own_their_numbers(self):
        import copy
        import pickle

        array = library.empty(self.LARGE)
        array[...] = 3
        for other in (pickle.loads(pickle.dumps(array, -1)), copy.deepcopy(array)):
            assert (other == 3).all()
            assert not np.shares_memory(other, array)


def test_blocks():
    lanes = library.lanes()
    assert [library.blocks(n) for n in (0, 1, lanes, lanes + 1, 5 * lanes)] == [0, 1, 1, 2, 5]


@pytest.mark.parametrize(
    ("structure", "header"), [(library.StageShape, "stage.hpp"), (library.Link, "stage.hpp")]
)
def test_the_fields_are_the_kernels(structure, header):
    """What library.py mirrors, field for field."""
    text = (library.KERNELS / header).read_text()
    body = re.search(rf"struct {structure.__name__} \{{(.*?)\n(\n|\}};)", text, re.DOTALL).group(1)
    lines = re.sub(r"//.*", "", body).split(";")
    names = [re.sub(r".*[ *]", "", field.strip()) for line in lines for field in line.split(",")]
    assert [name for name in names if name] == [name for name, _ in structure._fields_]

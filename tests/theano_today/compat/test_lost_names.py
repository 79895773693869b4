"""Everything that the old packages use and that today's packages lack or changed is accounted for.

tests/lost_names.py finds it in their source. A finding without a verdict here fails: it comes with
a new version of NumPy, SciPy or Python, or with a new line in its lists of what changed.
"""

from __future__ import annotations

import ast

import pytest

import theano_today  # noqa: F401
from tests import lost_names
from tests.fresh_python import ROOT, fresh_python

# Kind and what, as lost_names.py prints them, and what is done about it. "supplied" is verified.
SUPPLIED = """
    collections.Callable collections.Iterable collections.Mapping collections.MutableMapping
    collections.MutableSet collections.ValuesView
    numpy.cast numpy.complex numpy.product numpy.sctype2char numpy.ComplexWarning
    numpy.distutils numpy.distutils.system_info numpy.distutils.misc_util
    scipy.signal.signaltools scipy.signal.sigtools scipy.signal.signaltools.convolve
    scipy.signal.signaltools._valfrommode scipy.signal.signaltools._bvalfromboundary
    sklearn.cross_validation sklearn.grid_search
""".split()  # noqa: SIM905

VERDICTS = {
    # Another branch is taken, by a test of the version or in an except clause.
    ("name", "fractions.gcd"): "abstract_conv tries math.gcd first",
    ("name", "itertools.ifilter"): "Python 2",
    ("name", "itertools.imap"): "Python 2",
    ("name", "itertools.izip"): "Python 2",
    ("name", "operator.div"): "Python 2",
    ("name", "numpy.getbuffer"): "Python 2",
    ("name", "numpy._mklinit"): "an except clause: NumPy from Anaconda with MKL",
    ("name", "numpy.distutils.__config__"): "an except clause, and flags.py answers for BLAS",
    ("name", "scipy.linalg.blas.fblas"): "an except clause: SciPy before 0.12",
    ("name", "sys.tracebacklimit"): "behind hasattr",
    ("name", "subprocess.STARTF_USESHOWWINDOW"): "Windows",
    ("name", "subprocess.STARTUPINFO"): "Windows",
    ("name", "subprocess._subprocess"): "Windows",
    # Mended where they stand.
    ("name", "numpy.MAXDIMS"): "theano/c_code.py: CumOp.c_axis",
    ("method", "itemset"): "theano/arrays.py: Gemm.perform, DebugMode",
    ("method", "tostring"): "theano/arrays.py: hex_digest",
    ("method", "resize"): "theano/arrays.py: Prepend_scalar_to_each_row",
    ("method", "xview.strides ="): "theano/arrays.py: get_diagonal_subtensor_view",
    ("changed", "numpy.unique"): "theano/arrays.py: Unique.perform",
    ("changed", "numpy.fft"): "theano/arrays.py: RFFTOp, IRFFTOp, Fourier",
    ("changed", "numpy.linalg.eig"): "theano/arrays.py: Eig",
    ("changed", "numpy.argsort"): "theano/sorting.py",
    ("changed", "numpy.partition"): "theano/sorting.py",
    ("changed", "numpy.argpartition"): "theano/sorting.py",
    ("changed", "scipy.linalg.solve"): "theano/arrays.py: Solve.perform",
    ("changed", "copy.copy"): "theano/random_state.py; all others copy what is Theano's",
    # Not touched by what changed.
    ("changed", "numpy.can_cast"): "of dtypes",
    ("changed", "numpy.copy"): "a copy it is",
    ("changed", "numpy.where"): "of arrays",
    ("changed", "numpy.fromstring"): "nolearn.overfeat reads text; it needs Python 2's PIL anyway",
    ("changed", "numpy.linalg.lstsq"): "rcond is an argument",
    ("changed", "numpy.linalg.qr"): "the modes are NumPy's own of today",
    ("changed", "scipy.linalg.eigh"): "no argument that is gone",
    ("changed", "random.sample"): "of a str",
    ("call", "numpy.arange: missing a required argument: 'start_or_stop'"): (
        "start=, stop=, step= are taken: the signature is for type checkers"
    ),
    ("method", "ptp"): "Theano's own function",
    ("method", "get_shape"): "of Theano's ShapeFeature",
    ("method", "func_name"): "an attribute of Theano's COp",
    ("method", "op.dtype ="): "an Op",
    ("method", "self.dtype ="): "Ops and types",
    ("method", "self.shape ="): "an Op, layers, numeric_grad",
    # Lists as indices of symbolic variables, which take them, and of lists by a number.
    ("index", "(fx * gi)[reverse_slicing]"): "symbolic",
    ("index", "cumsum((fx * gi)[reverse_slicing], self.axis)[reverse_slicing]"): "symbolic",
    ("index", "cumsum(gi[reverse_slicing], self.axis)[reverse_slicing]"): "symbolic",
    ("index", "gi[reverse_slicing]"): "symbolic",
    ("index", "gf[idx]"): "symbolic",
    ("index", "gout[idx]"): "symbolic",
    ("index", "new_order[axis]"): "a list at a number",
    # Warnings of names that are on their way out; that nobody sees them: test_warnings.py.
    ("warns", "numpy.core._multiarray_umath._get_ndarray_c_version"): "still there",
    ("warns", "numpy.core.multiarray._get_ndarray_c_version"): "still there",
}
# theano/indexing.py
for index in (
    "yk[[region_slices[i][r[i]] for i in xrange(nd)]]",
    "eyk[[region_slices[i][r[i]] for i in xrange(nd)]]",
    "gxk[region_slice]",
    "np.partition(x, -k, axis=axis)[idx]",
    "np.argpartition(x, -k, axis=axis)[idx]",
):
    VERDICTS["index", index] = "theano/indexing.py"
# NumPy's ufuncs still take sig, but not of one letter: theano/arrays.py.
UFUNCS = (
    "log log2 log10 log1p exp exp2 expm1 sqrt deg2rad rad2deg cos arccos sin arcsin tan arctan "
    "arctan2 cosh arccosh sinh arcsinh tanh arctanh"
)
for ufunc in UFUNCS.split():
    VERDICTS["call", f"numpy.{ufunc}: got an unexpected keyword argument 'sig'"] = "arrays.py"


@pytest.fixture(scope="module")
def report():
    done = fresh_python("-W", "ignore", ROOT / "tests" / "lost_names.py", "--uses")
    assert done.returncode == 0, done.stderr
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_nothing_is_lost_unaccounted(report):
    unaccounted = {}
    for kind, what, where in report:
        if kind != "uses" and (kind, what) not in VERDICTS and what not in SUPPLIED:
            unaccounted.setdefault(f"{kind} {what}", []).append(where)
    assert not unaccounted


@pytest.mark.parametrize("name", SUPPLIED)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_supplied(name):
    lost_names.resolve(name)


def test_every_verdict_is_about_something(report):
    # The old packages are pinned: what none of them uses has no place in the tables.
    used = {name for kind, name, _ in report if kind == "uses"}
    for name in [*SUPPLIED, *(what for kind, what in VERDICTS if kind in ("name", "changed"))]:
        assert any(use == name or use.startswith(f"{name}.") for use in used), name


def findings(source):
    file = lost_names._File(ast.parse(source))
    return {(kind, what) for kind, what, _ in file.findings()}


def test_the_finder_finds():
    assert findings("import numpy\nnumpy.no_such_name(1)") == {("name", "numpy.no_such_name")}
    assert findings("from scipy import gone") == {("name", "scipy.gone")}
    assert findings("import scipy.gone.deeper") == {("name", "scipy.gone")}
    assert findings("from json import loads as l\nl('', encodings='x')") == set()  # it has **kw
    assert findings("import numpy as np\nnp.percentile(x, 5, interpolation='lower')") == {
        ("call", "numpy.percentile: got an unexpected keyword argument 'interpolation'"),
        ("changed", "numpy.percentile"),
    }
    assert findings("def f(x, names):\n    i = [slice(1)] * 3\n    return x[i] + x.tostring()") == {
        ("index", "x[i]"),
        ("method", "tostring"),
    }
    assert findings("import numpy.fft as f\nf.fft(x)") == {("changed", "numpy.fft")}
    assert findings("import numpy as np\nx.strides = np.arange(3)") == {("method", "x.strides =")}
    fine = "import numpy as np\nclass A(np.ndarray):\n    def f(self, x):\n        return x[1:2]"
    assert findings(fine) == set()

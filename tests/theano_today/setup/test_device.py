"""The choice of a device: words, what is found, what is said; here no machine has a GPU."""

import importlib.util
import os

import pytest

from tests.fresh_python import ROOT, fresh_python, says
from theano_today.errors import DataError
from theano_today.setup import device

TORCH = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(
    not TORCH, reason="needs PyTorch: pip install -r requirements-gpu.txt"
)
COMPILED = os.environ.get("THEANO_FLAGS", "").split("base_compiledir=")[1:]
WHERE = f",base_compiledir={COMPILED[0].split(',')[0]}" if COMPILED else ""


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("cpu", None), ("cuda", "cuda"), ("cuda:1", "cuda:1"), ("cuda1", "cuda:1"),
        ("gpu", "cuda"), ("gpu0", "cuda:0"), ("mps", "mps"), ("torch:cpu", "cpu"),
        ("torch:xpu:1", "xpu:1"),
    ],
)  # fmt: skip
def test_words(word, name):
    assert device.torch_name(word) == name


@pytest.mark.parametrize("word", ["", "cdua", "cuda:x", "cuda:-1", "torch:", "cpu:0", "gpu,cuda"])
def test_no_such_word(word):
    with pytest.raises(DataError, match="expected cpu, cuda, cuda:N or mps"):
        device.torch_name(word)


def script(*arguments, **environment):
    return fresh_python(ROOT / "net2.py", *arguments, **environment)


def refused(*arguments, **environment):
    done = script(*arguments, **environment)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    return line


def test_a_mistyped_device(tmp_path):
    line = refused("--device", "gqu", "--out", tmp_path / "net")
    assert line == ("net2.py: error: unknown device 'gqu'; expected cpu, cuda, cuda:N or mps")


@pytest.mark.parametrize("precision", ["--tf32", pytest.param("--bf16", marks=pytest.mark.long)])
def test_a_precision_without_a_gpu(tmp_path, precision):
    line = refused("--device", "cpu", precision, "--out", tmp_path / "net")
    assert line.startswith(f"net2.py: error: {precision}: the CPU has float32 only")


@pytest.fixture
def no_gpu():
    if TORCH:
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a GPU here")


@needs_torch
@pytest.mark.parametrize(
    "word", ["cuda:1", *(pytest.param(w, marks=pytest.mark.long) for w in ("cuda", "gpu"))]
)
def test_cuda_asked_for_and_absent(tmp_path, no_gpu, word):
    import torch

    line = refused("--device", word, "--out", tmp_path / "net")
    assert line.startswith(f"net2.py: error: --device {word}: torch ")
    assert torch.__version__ in line or "sees no GPU" in line
    assert line.endswith("--device cpu works without a GPU")


@needs_torch
def test_theanos_flag_and_no_gpu(no_gpu):
    done = fresh_python("-c", "import theano_today, theano", THEANO_FLAGS="device=cuda0")
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2
    assert line.startswith("error: THEANO_FLAGS device=cuda0: torch ")


@needs_torch
def test_a_flag_that_the_program_sets_itself(no_gpu):
    code = (
        "import theano_today, os; os.environ['THEANO_FLAGS'] = 'floatX=float32,device=gpu1'\n"
        "import theano; print(theano.config.device, theano.config.floatX)"
    )
    done = fresh_python("-c", code)
    assert done.stdout.split() == ["cpu", "float32"]
    (line,) = done.stderr.splitlines()
    assert line.startswith("THEANO_FLAGS device=gpu1: torch ")
    assert line.endswith("running on the CPU")


HIDDEN = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "torch" else found(name, *rest)
"""


@pytest.mark.parametrize("word", ["gpu", "cuda1"])
def test_theanos_flag_and_no_torch(word):
    """From the days of the old back end: no error."""
    code = (
        f"{HIDDEN}import theano_today, theano; print(theano.config.device, 'torch' in sys.modules)"
    )
    done = fresh_python("-c", f"import sys{code}", THEANO_FLAGS=f"device={word}")
    assert done.stdout.split() == ["cpu", "False"]
    assert done.stderr.splitlines() == [
        f"THEANO_FLAGS device={word}: PyTorch is not installed (pip install -r "
        "requirements-gpu.txt); running on the CPU"
    ]


def test_asked_for_without_torch():
    code = (
        f"{HIDDEN}import theano_today; from theano_today.setup import device; device.choose('cuda')"
    )
    done = fresh_python("-c", code)
    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        "error: --device cuda: PyTorch is not installed. Run: pip install -r requirements-gpu.txt"
    ]


def test_by_itself_without_a_gpu(no_gpu):
    """Nothing is said, and a torch built for the CPU is not even imported."""
    out = says(
        "import sys, theano_today; from theano_today.setup import device\n"
        "print(device.choose(None), 'torch' in sys.modules)"
    )
    import_needed = TORCH and device._torch_has_gpu_support()
    assert out.split() == ["None", str(import_needed)]


OLD_GPU = """
import theano_today, torch
from theano_today.setup import device

def refuse(*shape, **how):
    raise RuntimeError("CUDA error: no kernel image is available\\nCUDA kernel errors might be")

torch.ones = refuse
torch.cuda.is_available, torch.cuda.device_count = lambda: True, lambda: 1
torch.cuda.get_device_name = lambda name: "GeForce GTX 1080"
device._torch_has_gpu_support = lambda: True
print(device.choose({word!r}))
"""


@needs_torch
def test_a_gpu_too_old_for_torch():
    reason = "can't use cuda, GeForce GTX 1080: CUDA error: no kernel image is available"
    code = OLD_GPU.format(word="cuda").replace("print", "print(device.choose(None))\nprint")
    done = fresh_python("-c", code)
    assert done.stdout.rstrip().endswith(f"{reason})")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: --device cuda: torch ")
    assert line.endswith(f"{reason}; --device cpu works without a GPU")


@needs_torch
def test_torch_on_the_cpu_for_testing():
    code = (
        "import theano_today; from theano_today.setup import device\n"
        "print(device.choose('torch:cpu'))\n"
        "import theano; w = theano.shared(3.0)\n"
        "print(theano.function([], w * 2)(), type(w.container.storage[0]).__name__)\n"
        "print(device.choose('cpu'))\n"
        "print(type(theano.function([], theano.shared(3.0) * 2).fn).__name__)"
    )
    lines = says(code, THEANO_FLAGS=f"floatX=float32{WHERE}").splitlines()
    assert lines[0].startswith("device: cpu through torch 2.")
    assert lines[0].endswith("(--device torch:cpu)")
    assert lines[1] == "6.0 DeviceArray"
    assert lines[2] == "device: cpu (--device cpu)"
    assert lines[3] != "Program"


@needs_torch
def test_the_flag_is_obeyed_and_named():
    code = (
        "import theano_today, theano; from theano_today.setup import device\n"
        "program = theano.function([], theano.shared(3.0) * 2).fn\n"
        "print(type(program).__name__, theano.config.device)\n"
        "print(device.choose(None))"
    )
    lines = says(code, THEANO_FLAGS=f"device=torch:cpu{WHERE}").splitlines()
    assert lines[0] == "Program cpu"
    assert lines[1].endswith("(THEANO_FLAGS device=torch:cpu)")

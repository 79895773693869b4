import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import os
from types import FunctionType

import pytest
import theano
import theano.tensor as T
from theano.compile import mode as modes
from theano.configparser import change_flags
from theano.gof import local_optimizer
from theano.gof.opt import TopoOptimizer

from tests.fresh_python import says
from theano_today.engine.scan import gradients
from theano_today.kept_graphs import STARTED, conditions, encoding, ours


def of_mode(mode):
    mode = modes.get_mode(mode)
    return encoding.digest(conditions.of_optimizer(mode.optimizer, mode.linker, ours.Code()))


def test_optimizers():
    fast = modes.get_mode("FAST_RUN")
    names = ["FAST_RUN", "FAST_COMPILE", *map(fast.excluding, ("fusion", "inplace", "conv_pool"))]
    assert len({of_mode(name) for name in names}) == len(names)
    for name in names:
        assert of_mode(name) == of_mode(name)


def test_optimizer_is_the_same_after_use():
    before = of_mode("FAST_RUN")
    x = T.vector("x")
    theano.function([x], T.exp(x + 1).sum(), mode=modes.get_mode("FAST_RUN"))
    assert of_mode("FAST_RUN") == before


def test_optimizer_is_the_same_in_every_process():
    code = (
        "import theano_today, theano\n"
        "from tests.theano_today.kept_graphs.test_conditions import of_mode\n"
        "from theano_today.kept_graphs import conditions\n"
        "print(of_mode('FAST_RUN').hex(), hash(conditions.options()) * 0, len(conditions.files()))"
    )
    said = {says(code, PYTHONHASHSEED=seed) for seed in ("0", "1")}
    assert len(said) == 1


@local_optimizer([T.exp])
def mine(node):
    return None


def test_users_optimisation():
    mode = modes.get_mode("FAST_RUN").register((TopoOptimizer(mine), 49.5))
    with pytest.raises(encoding.UnsupportedError, match="mine"):
        of_mode(mode)


def test_what_a_function_refers_to():
    def with_number(n):
        def inner():
            return n

        return FunctionType(
            inner.__code__.replace(co_filename=T.__file__), {}, "inner", (), inner.__closure__
        )

    encoded = []
    for n in (1, 1, 2):
        f = with_number(n)
        f.__module__ = "theano.tensor"
        encoder = conditions.OptimizerEncoder(ours.Code())
        encoder.plain(f)
        encoded.append(encoding.as_bytes(tuple(encoder.records)))
    assert encoded[0] == encoded[1] != encoded[2]


def test_options():
    before = conditions.options()
    assert before == conditions.options()
    for flags in ({"on_unused_input": "warn"}, {"floatX": "float64"}, {"engine": "stock"}):
        with change_flags(**flags):
            assert conditions.options() != before


def test_settings(monkeypatch):
    before = conditions.settings()
    assert before == conditions.settings()
    monkeypatch.setattr(gradients, "_MANY", -1)
    assert conditions.settings() != before


def test_files(monkeypatch, tmp_path):
    source = tmp_path / "engine" / "module.py"
    source.parent.mkdir()
    (tmp_path / "tests").mkdir()

    def listed():
        monkeypatch.setattr(conditions, "_files", None)
        return conditions.files()

    def write(path, text, time):
        path.write_text(text)
        os.utime(path, ns=(time, time))

    monkeypatch.setattr(ours, "ROOTS", (str(tmp_path),))
    # As if this process began later
    monkeypatch.setattr(conditions, "STARTED", 2 * STARTED)
    write(source, "a = 1", 10**18)
    found = [listed()]
    write(tmp_path / "tests" / "test_module.py", "", 10**18)
    (tmp_path / "notes.txt").write_text("")
    assert listed() == found[0]
    write(source, "a = 22", 10**18)
    found.append(listed())
    write(source, "a = 22", 10**18 + 1)
    found.append(listed())
    source.rename(source.with_name("other.py"))
    found.append(listed())
    assert len({repr(x) for x in found}) == 4
    # A file that was put there since
    monkeypatch.setattr(conditions, "STARTED", STARTED)
    assert listed() is None

"""The extension module that scan takes its loop from."""

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import theano
import theano.tensor as T

from theano_today.compat.theano import scan_loop


def test_it_is_supplied_under_its_name():
    from theano.scan_module import scan_perform_ext

    assert scan_perform_ext.perform is scan_loop.perform
    # Theano compiles its own where this number is not the one that it wants.
    assert scan_perform_ext.get_version() == scan_perform_ext.version == 0.296


def test_a_loop_in_the_default_mode_runs_it(monkeypatch):
    from theano.scan_module import scan_perform_ext

    called = []
    perform = scan_loop.perform
    monkeypatch.setattr(scan_perform_ext, "perform", lambda *a: called.append(a) or perform(*a))
    total, _ = theano.scan(
        lambda a, b: a + b, outputs_info=T.constant(1.0), sequences=T.arange(4.0)
    )
    assert theano.function([], total)().tolist() == [1, 2, 4, 7]
    assert len(called) == 1

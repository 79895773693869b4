"""What says that a variable has no test value, thousands of times for a net's loops.

The fusion of elementwise nodes and others ask for test values and catch the error where there is
none. Theano wrote its message at once, with the text of the variable's whole formula and of the
lines that made it. It is written when somebody reads it.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from theano_today import hooks
from theano_today.compat import source


class NoTestValueError(AttributeError):
    """An error about a variable; its text and its arguments are those of Theano's own."""

    def __init__(self, variable: Any) -> None:
        super().__init__()
        self._variable = variable

    @property
    def args(self) -> tuple:
        return super().args or (self._text(),)

    @args.setter
    def args(self, given) -> None:
        AttributeError.args.__set__(self, given)  # type: ignore[attr-defined]

    def _text(self) -> str:
        from theano.gof import utils

        trace = utils.get_variable_trace_string(self._variable)
        return f"{self._variable} has no test value {trace}"

    def __str__(self) -> str:
        return str(self.args[0]) if len(self.args) == 1 else str(self.args)

    def __reduce__(self):
        return AttributeError, self.args


def install() -> None:
    hooks.after_import("theano.gof.op", _mend)


def _mend(op: ModuleType) -> None:
    op.NoTestValueError = NoTestValueError  # type: ignore[attr-defined]
    source.edit(
        op.PureOp._get_test_value.__func__,
        {
            "    detailed_err_msg = utils.get_variable_trace_string(v)\n": "",
            "raise AttributeError('%s has no test value %s' % (v, detailed_err_msg))": (
                "raise NoTestValueError(v)"
            ),
        },
    )

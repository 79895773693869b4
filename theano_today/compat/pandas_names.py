"""Functions and modules that pandas dropped, and arguments that it takes by name only since 2.0.

- rolling_mean and its like, expanding_mean, ewma: gone in 0.23, methods of rolling() and so on.
- DataFrame.append (2.0), iteritems (2.0), irow, icol (0.19), get_value (1.0), applymap (3.0), ...
- pd.datetime, pd.np (2.0), pd.value_counts (3.0), pd.TimeGrouper, pd.scatter_matrix, pandas.tools.
- Once Theano is imported: ``df.drop("a", 1)``,
  ``pd.concat(frames, 1)``, ``pd.read_csv(name, ";")``, ``sort_index(by=...)``,
  ``to_csv(cols=...)``, ``fillna(method="ffill")``: TypeErrors of today. A call that pandas takes
  is pandas' own; one whose arguments it refuses is made again, in today's words.
- pd.Panel, pd.ols, pandas.io.data: an error that says what there is.
"""

from __future__ import annotations

import datetime
import functools
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from theano_today import hooks
from theano_today.compat.whole_floats import ORIGINAL

# The order that positional arguments had, after self.
_ORDER = {
    "drop": ("labels", "axis", "level", "inplace"),
    "dropna": ("axis", "how", "thresh", "subset", "inplace"),
    "fillna": ("value", "method", "axis", "inplace", "limit"),
    "sort_index": ("axis", "by", "ascending", "inplace"),
    "sort_values": ("by", "axis", "ascending", "inplace"),
    "to_csv": ("path_or_buf", "sep", "na_rep", "float_format", "columns", "header", "index"),
    "drop_duplicates": ("subset", "keep", "inplace"),
    "reset_index": ("level", "drop", "inplace"),
    "set_index": ("keys", "drop", "append", "inplace"),
    "concat": ("objs", "axis", "join"),
    "read_csv": ("filepath_or_buffer", "sep"),
    "read_table": ("filepath_or_buffer", "sep"),
}
_METHODS = tuple(name for name in _ORDER if name not in ("concat", "read_csv", "read_table"))
_RENAMED = {"cols": "columns", "take_last": "keep"}
_STATISTICS = ("sum", "mean", "median", "max", "min", "std", "var", "skew", "kurt", "count")


def install() -> None:
    hooks.after_import("pandas", _fill)
    hooks.after_import("pandas", _wrap_for_theano)
    hooks.after_import("theano", _wrap_for_theano)
    hooks.supply("pandas.tools", lambda module: None)
    hooks.supply("pandas.tools.plotting", _from("pandas.plotting"))
    hooks.supply("pandas.tools.merge", _from("pandas", "concat", "merge"))
    hooks.supply("pandas.util.testing", _from("pandas.testing"))
    hooks.supply("pandas.stats", lambda module: None)
    hooks.supply("pandas.stats.moments", _fill_moments)
    for name in ("pandas.io.data", "pandas.io.wb"):
        hooks.supply(name, _refuse_data)


class _Lost:
    """A method or attribute that was there once; a column of that name comes first."""

    def __init__(self, get: Any) -> None:
        self.get = get

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, frame, owner=None):
        if frame is None:
            return self.get
        # As pandas does it, for columns, or labels of a Series: __getattr__ finds them then.
        if self.name in frame._info_axis:
            raise AttributeError(self.name)
        return self.get.__get__(frame, owner)


def add_lost(owner: type, **names: Any) -> None:
    """Give a class methods that it does not have any more."""
    for name, get in names.items():
        if not hasattr(owner, name):
            lost = _Lost(get)
            lost.name = name
            setattr(owner, name, lost)


def _add(owner: Any, **names: Any) -> None:
    for name, value in names.items():
        if not hasattr(owner, name):
            setattr(owner, name, value)


def _fill(pandas: ModuleType) -> None:
    frame, series = pandas.DataFrame, pandas.Series
    for owner in (frame, series):
        add_lost(owner, append=_append, mad=_mean_deviation, get_values=lambda self: self.values)
    _add(frame, from_csv=classmethod(_from_csv))
    add_lost(
        frame,
        iteritems=frame.items,
        irow=lambda self, i, copy=False: self.iloc[i],
        icol=lambda self, i: self.iloc[:, i],
        iget_value=lambda self, i, j: self.iat[i, j],
        get_value=lambda self, index, col, takeable=False: (
            self.iat[index, col] if takeable else self.at[index, col]
        ),
        set_value=_set_value,
        applymap=lambda self, func: self.map(func),
        lookup=lambda self, rows, cols: np.array(
            [self.at[row, column] for row, column in zip(rows, cols, strict=True)]
        ),
    )
    add_lost(
        series,
        iteritems=series.items,
        irow=lambda self, i: self.iloc[i],
        iget=lambda self, i: self.iloc[i],
        get_value=lambda self, label, takeable=False: (
            self.iat[label] if takeable else self.at[label]
        ),
        valid=series.dropna,
        nonzero=lambda self: self.to_numpy().nonzero(),
        ravel=lambda self, order="C": self.to_numpy().ravel(order),
        reshape=lambda self, *shape: self.to_numpy().reshape(*shape),
        ptp=lambda self: np.ptp(self.to_numpy()),
    )
    _add(
        pandas,
        datetime=datetime.datetime,
        np=np,
        TimeSeries=series,
        Int64Index=pandas.Index,
        Float64Index=pandas.Index,
        TimeGrouper=lambda freq, **more: pandas.Grouper(freq=freq, **more),
        scatter_matrix=pandas.plotting.scatter_matrix,
        value_counts=lambda values, *arguments, **more: series(values).value_counts(
            *arguments, **more
        ),
        groupby=lambda obj, by, **more: obj.groupby(by, **more),
        **_moments(pandas),
    )
    for name, instead in _GONE.items():
        _add(pandas, **{name: _refusing(name, instead)})


# ---- what is made again


def _wrap_for_theano(module: ModuleType) -> None:
    if "pandas" in sys.modules and "theano" in sys.modules:
        wrap(sys.modules["pandas"])


def wrap(pandas: ModuleType) -> None:
    """Let pandas' functions take arguments as they did."""
    for owner in (pandas.DataFrame, pandas.Series):
        for name in _METHODS:
            function = getattr(owner, name, None)
            if function is not None and not hasattr(function, ORIGINAL):
                setattr(owner, name, _tolerant(function, name, 1))
    for name in ("concat", "read_csv", "read_table"):
        function = getattr(pandas, name)
        if not hasattr(function, ORIGINAL):
            setattr(pandas, name, _tolerant(function, name, 0))
    for name in ("read_csv", "read_table"):
        setattr(pandas.io.parsers, name, getattr(pandas, name))


def _tolerant(function: Callable, name: str, first: int) -> Callable:
    """Return a function that takes arguments as they were given once; `first` counts self."""

    @functools.wraps(function)
    def tolerant(*arguments, **options):
        try:
            return function(*arguments, **options)
        except TypeError as error:
            if not any(text in str(error) for text in ("positional argument", "keyword argument")):
                raise
            again = _today(name, first, arguments, options)
            if again is None:
                raise
        method, owner, more = again
        return (function if method is None else getattr(owner[0], method))(
            *(owner if method is None else ()), **more
        )

    return tolerant


def _today(name: str, first: int, arguments: tuple, options: dict) -> Any:
    """Return a method's name or None for the same, what stands before it, and all by name."""
    given = arguments[first:]
    if len(given) > len(_ORDER[name]):
        return None
    more = dict(zip(_ORDER[name], given, strict=False))
    for key, value in options.items():
        key = _RENAMED.get(key, key)
        if key in more:
            return None
        more[key] = ("last" if value else "first") if key == "keep" and value in (0, 1) else value
    if name == "fillna" and more.get("method") is not None:
        way = {"ffill": "ffill", "pad": "ffill", "bfill": "bfill", "backfill": "bfill"}
        method = way.get(more.pop("method"))
        more = {key: value for key, value in more.items() if value is not None}
        return None if method is None or "value" in more else (method, arguments[:first], more)
    more.pop("method", None)
    if name == "sort_index" and (by := more.pop("by", None)) is not None:
        by = list(by) if isinstance(by, tuple) else by
        return "sort_values", arguments[:first], more | {"by": by}
    if more == options and not given:
        return None
    return None, arguments[:first], more


# ---- methods


def _append(self, other, ignore_index=False, verify_integrity=False, **more):
    """Return the rows of both."""
    import pandas

    if isinstance(other, dict):
        other = pandas.Series(other)
    if isinstance(other, pandas.Series) and isinstance(self, pandas.DataFrame):
        if not ignore_index and other.name is None:
            raise TypeError("Can only append a Series if ignore_index=True or it has a name")
        other = other.to_frame().T.infer_objects()
    others = list(other) if isinstance(other, (list, tuple)) else [other]
    if others and isinstance(self, pandas.DataFrame):
        others = [o if isinstance(o, pandas.DataFrame) else pandas.DataFrame([o]) for o in others]
    return pandas.concat(
        [self, *others], ignore_index=ignore_index, verify_integrity=verify_integrity
    )


def _mean_deviation(self, axis=0):
    if self.ndim == 1:
        return (self - self.mean()).abs().mean()
    return self.sub(self.mean(axis=axis), axis=1 - axis).abs().mean(axis=axis)


def _set_value(self, index, col, value, takeable=False):
    if takeable:
        self.iat[index, col] = value
    else:
        self.at[index, col] = value
    return self


def _from_csv(cls, path, header=0, sep=",", index_col=0, parse_dates=True, **more):
    import pandas

    return pandas.read_csv(
        path, header=header, sep=sep, index_col=index_col, parse_dates=parse_dates, **more
    )


# ---- moving windows


def _moments(pandas: ModuleType) -> dict[str, Callable]:
    """Return rolling_mean and its like."""

    def of(arg: Any) -> tuple[Any, Callable]:
        if isinstance(arg, (pandas.Series, pandas.DataFrame)):
            return arg, lambda result: result
        values = np.asarray(arg)
        made = pandas.Series(values) if values.ndim == 1 else pandas.DataFrame(values)
        return made, lambda result: result.to_numpy()

    def rolling(name):
        def function(arg, window, min_periods=None, freq=None, center=False, **more):
            data, back = of(arg)
            if name == "count" and min_periods is None:
                min_periods = 0
            windows = data.rolling(int(window), min_periods=min_periods, center=center)
            more = {key: more[key] for key in more if key not in ("how",)}
            return back(getattr(windows, name)(**more))

        return function

    def rolling_apply(
        arg, window, func, min_periods=None, freq=None, center=False, args=(), kwargs=None
    ):
        data, back = of(arg)
        windows = data.rolling(int(window), min_periods=min_periods, center=center)
        return back(windows.apply(func, raw=True, args=args, kwargs=kwargs or {}))

    def rolling_quantile(arg, window, quantile, min_periods=None, freq=None, center=False):
        data, back = of(arg)
        windows = data.rolling(int(window), min_periods=min_periods, center=center)
        return back(windows.quantile(quantile))

    def of_two(name):
        def function(arg1, arg2, window, min_periods=None, freq=None, center=False, **more):
            (one, back), (other, _) = of(arg1), of(arg2)
            windows = one.rolling(int(window), min_periods=min_periods, center=center)
            return back(getattr(windows, name)(other, **more))

        return function

    def expanding(name):
        def function(arg, min_periods=1, freq=None, **more):
            data, back = of(arg)
            return back(getattr(data.expanding(min_periods), name)(**more))

        return function

    def weighted(name):
        def function(
            arg, com=None, span=None, halflife=None, min_periods=0, freq=None, adjust=True, **more
        ):
            data, back = of(arg)
            ignore_na = more.pop("ignore_na", False)
            more.pop("how", None)
            windows = data.ewm(
                com=com, span=span, halflife=halflife, min_periods=min_periods, adjust=adjust,
                ignore_na=ignore_na,
            )  # fmt: skip
            return back(getattr(windows, name)(**more))

        return function

    made: dict[str, Callable] = {f"rolling_{name}": rolling(name) for name in _STATISTICS}
    made |= {f"expanding_{name}": expanding(name) for name in _STATISTICS}
    made |= {f"rolling_{name}": of_two(name) for name in ("corr", "cov")}
    made |= {"rolling_apply": rolling_apply, "rolling_quantile": rolling_quantile}
    made |= {"ewma": weighted("mean"), "ewmstd": weighted("std"), "ewmvar": weighted("var")}
    return made


def _fill_moments(module: ModuleType) -> None:
    import pandas

    vars(module).update(_moments(pandas))


# ---- what is gone


_GONE = {
    "Panel": "a DataFrame with a MultiIndex, or an array of three dimensions",
    "WidePanel": "a DataFrame with a MultiIndex",
    "ols": "statsmodels.api.OLS, or numpy.linalg.lstsq",
    "SparseSeries": "a Series of dtype Sparse",
    "SparseDataFrame": "a DataFrame of dtype Sparse",
    "rolling_window": "data.rolling(window, win_type=...)",
}


def _refusing(name: str, instead: str) -> Callable:
    def refuse(*arguments, **options):
        raise NotImplementedError(f"pandas.{name} is gone; what there is today: {instead}")

    refuse.__name__ = refuse.__qualname__ = name
    return refuse


def _refuse_data(module: ModuleType) -> None:
    raise ImportError(
        f"{module.__name__} left pandas in 0.19; it is a package of its own: python -m pip install "
        "pandas-datareader",
        name=module.__name__,
    )


def _from(source: str, *names: str) -> Callable[[ModuleType], None]:
    def fill(module: ModuleType) -> None:
        import importlib

        real = importlib.import_module(source)
        wanted = names or tuple(name for name in dir(real) if name[:1] != "_")
        vars(module).update({name: getattr(real, name) for name in wanted})

    return fill

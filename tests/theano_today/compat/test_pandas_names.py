"""Names and ways of calling that pandas dropped, beside those of today."""

from __future__ import annotations

import theano_today  # noqa: F401  # isort: skip  (first: the packages of 2014 need it)

import numpy as np
import pytest
import theano  # noqa: F401  (once it is there, pandas takes the old arguments)

pd = pytest.importorskip("pandas")


def frame():
    return pd.DataFrame({"a": [3, 1, 2, 5], "b": [1.0, np.nan, 4.0, 2.0]})


def same(got, want):
    if isinstance(want, pd.DataFrame):
        pd.testing.assert_frame_equal(got, want)
    elif isinstance(want, pd.Series):
        pd.testing.assert_series_equal(got, want)
    else:
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (lambda d: d.drop("a", 1), lambda d: d.drop(columns="a")),
        (lambda d: d.drop(["a"], 1), lambda d: d.drop(columns="a")),
        (lambda d: d.drop(0), lambda d: d.drop(0)),
        (lambda d: d.dropna(0), lambda d: d.dropna(axis=0)),
        (lambda d: d.fillna(method="ffill"), lambda d: d.ffill()),
        (lambda d: d.fillna(method="bfill", limit=1), lambda d: d.bfill(limit=1)),
        (lambda d: d.b.fillna(method="pad"), lambda d: d.b.ffill()),
        (lambda d: d.fillna(0), lambda d: d.fillna(0)),
        (lambda d: d.sort_index(by="a"), lambda d: d.sort_values("a")),
        (lambda d: d.sort_index(by=["a"], ascending=False),
         lambda d: d.sort_values("a", ascending=False)),
        (lambda d: d.sort_index(axis=1), lambda d: d.sort_index(axis=1)),
        (lambda d: d.sort_values("a", 0, False), lambda d: d.sort_values("a", ascending=False)),
        (lambda d: pd.concat([d, d], 1), lambda d: pd.concat([d, d], axis=1)),
        (lambda d: d.append(d), lambda d: pd.concat([d, d])),
        (lambda d: d.append(d, ignore_index=True), lambda d: pd.concat([d, d], ignore_index=True)),
        (lambda d: d.append({"a": 9, "b": 8.5}, ignore_index=True).b,
         lambda d: pd.Series([1.0, np.nan, 4.0, 2.0, 8.5], name="b")),
        (lambda d: d.a.append(d.a), lambda d: pd.concat([d.a, d.a])),
        (lambda d: [name for name, _ in d.iteritems()], lambda d: ["a", "b"]),
        (lambda d: list(d.a.iteritems()), lambda d: [(0, 3), (1, 1), (2, 2), (3, 5)]),
        (lambda d: d.irow(1), lambda d: d.iloc[1]),
        (lambda d: d.icol(0), lambda d: d.iloc[:, 0]),
        (lambda d: d.get_value(2, "b"), lambda d: 4.0),
        (lambda d: d.set_value(2, "b", 7), lambda d: d.replace(4.0, 7.0)),
        (lambda d: d.applymap(lambda v: v + 1), lambda d: d + 1),
        (lambda d: d.lookup([0, 2], ["a", "b"]), lambda d: [3.0, 4.0]),
        (lambda d: d.a.mad(), lambda d: 1.25),
        (lambda d: d.a.reshape(2, 2), lambda d: [[3, 1], [2, 5]]),
        (lambda d: d.a.ravel(), lambda d: [3, 1, 2, 5]),
        (lambda d: d.a.nonzero()[0], lambda d: [0, 1, 2, 3]),
        (lambda d: d.b.valid(), lambda d: d.b.dropna()),
        (lambda d: pd.value_counts(d.a % 2), lambda d: (d.a % 2).value_counts()),
        (lambda d: pd.rolling_mean(d.a, 2), lambda d: d.a.rolling(2).mean()),
        (lambda d: pd.rolling_std(d, 2, 1), lambda d: d.rolling(2, min_periods=1).std()),
        (lambda d: pd.rolling_sum(d.a.values, 2), lambda d: [np.nan, 4, 3, 7]),
        (lambda d: pd.rolling_max(d.a, 3, center=True),
         lambda d: d.a.rolling(3, center=True).max()),
        (lambda d: pd.rolling_apply(d.a, 2, np.ptp),
         lambda d: d.a.rolling(2).apply(np.ptp, raw=True)),
        (lambda d: pd.rolling_corr(d.a, d.a, 3), lambda d: d.a.rolling(3).corr(d.a)),
        (lambda d: pd.expanding_mean(d.a), lambda d: d.a.expanding().mean()),
        (lambda d: pd.ewma(d.a, span=3), lambda d: d.a.ewm(span=3).mean()),
        (lambda d: pd.ewmstd(d.a, com=1), lambda d: d.a.ewm(com=1).std()),
    ],
)  # fmt: skip
def test_then_and_today(old, new):
    same(old(frame()), new(frame()))


def test_files(tmp_path):
    path = tmp_path / "f.csv"
    frame().to_csv(path, cols=["a"], index=False)
    assert path.read_text().split() == ["a", "3", "1", "2", "5"]
    frame().to_csv(path, ";")
    same(pd.read_csv(path, ";", index_col=0), frame())
    same(pd.io.parsers.read_csv(path, ";", index_col=0), frame())
    frame().to_csv(path)
    same(pd.DataFrame.from_csv(path), frame())


def test_in_place():
    d = frame()
    assert d.drop("a", 1, inplace=True) is None
    assert list(d.columns) == ["b"]


def test_what_pandas_refuses_otherwise_is_refused():
    for call in (
        lambda d: d.drop("a", 1, 2, 3, 4, 5),
        lambda d: d.drop("a", nonsense=1),
        lambda d: d.fillna(method="nonsense"),
        lambda d: d.sort_index(nonsense=2),
        lambda d: d.drop("a", 1, axis=1),
        lambda d: pd.concat(3),
    ):
        with pytest.raises(TypeError):
            call(frame())
    with pytest.raises(KeyError):
        frame().drop("z", 1)


def test_a_column_of_such_a_name_comes_first():
    d = pd.DataFrame({"append": [1], "irow": [2]})
    same(d.append, d["append"])
    same(d.irow, d["irow"])


def test_names():
    assert pd.datetime(2014, 12, 17).year == 2014
    assert pd.np is np
    from pandas.tools.plotting import scatter_matrix

    assert scatter_matrix is pd.plotting.scatter_matrix
    with pytest.raises(NotImplementedError, match="MultiIndex"):
        pd.Panel({})
    with pytest.raises(ImportError, match="pandas-datareader"):
        import pandas.io.data  # noqa: F401

"""A record: what a case gave, as lists, strings and numbers; written, read and compared.

Without Theano, for Python 3.9 with NumPy 1.19 and for today's alike.
"""

import json

import numpy as np


def plain(value):
    """[dtype, shape, numbers] of an array, with the shortest digits that name each number."""
    if isinstance(value, (str, type(None))):
        return value
    if hasattr(value, "tocsc"):
        return [value.format, plain(value.toarray())]
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    array = np.asarray(value)
    if array.dtype.kind == "O":
        return type(value).__name__
    flat = array.ravel()
    if array.dtype.kind == "c":
        flat = flat.view(flat.real.dtype)
    if array.dtype.kind in "fc":
        flat = [_short(v) for v in flat]
    else:
        flat = flat.tolist() if array.dtype.kind != "b" else flat.astype(int).tolist()
    return [str(array.dtype), list(array.shape), flat]


def _short(number):
    # 0.1 of float32 is 0.10000000149011612 to Python.
    if not np.isfinite(number):
        return float(number)
    return float(np.format_float_scientific(number, unique=True, trim="-"))


def arrays(record):
    """The arrays that `plain` made, in order: (dtype, shape, array of numbers)."""
    for entry in record:
        if isinstance(entry, list) and _is_array(entry):
            dtype, shape, listed = entry
            part = {"complex64": "float32", "complex128": "float64"}.get(dtype, dtype)
            yield dtype, shape, np.array(listed, part)
        elif isinstance(entry, list):
            yield from arrays(entry)
        else:
            yield entry, None, None


def _is_array(entry):
    if len(entry) != 3 or not (isinstance(entry[0], str) and isinstance(entry[1], list)):
        return False
    return all(type(length) is int for length in entry[1])


def difference(ours, theirs):
    """What tells two records of one case apart, in words; '' if nothing does."""
    for key in sorted((set(ours) | set(theirs)) - {"ulps"}):
        mine, its = ours.get(key), theirs.get(key)
        if key in ("values", "gradient", "is") and mine is not None and its is not None:
            ulps, of = ours.get("ulps", [4, "each"])
            if key == "gradient":  # of a sum: rounding in units of its terms
                ulps, of = max(ulps, 32), "largest"
            said = _difference_of_values(mine, its, ulps, of)
            if said:
                return f"{key}: {said}"
        elif mine != its:
            detail = ours.get("raises") or ours.get("gradient raises") or ""
            return "{}: {}, expected {} {}".format(key, mine, its, detail if mine is None else "")
    return ""


def _difference_of_values(ours, theirs, ulps, of):
    ours, theirs = list(arrays(ours)), list(arrays(theirs))
    if len(ours) != len(theirs):
        return "%d results, expected %d" % (len(ours), len(theirs))
    for n, (mine, its) in enumerate(zip(ours, theirs)):
        if mine[:2] != its[:2]:
            return "result %d is %s %s, expected %s %s" % ((n,) + mine[:2] + its[:2])
        if mine[1] is None or not mine[2].size:
            continue
        exact = mine[2].dtype.kind != "f"
        same = mine[2] == its[2] if exact else close(mine[2], its[2], ulps, of)
        if not np.all(same):
            where = int(np.argmin(same))
            what = (n, where, mine[2][where], its[2][where], int(np.sum(~same)), same.size)
            return "result %d at %d is %r, expected %r (%d of %d differ)" % what
    return ""


def close(ours, theirs, ulps, of):
    """Elementwise: equal, both NaN, or apart by so many units of the last place."""
    with np.errstate(all="ignore"):
        size = np.where(np.isfinite(theirs), abs(theirs), 0)
        size = size.max() if of == "largest" else size
        unit = np.maximum(np.spacing(np.asarray(size, ours.dtype)), np.finfo(ours.dtype).tiny)
        near = abs(ours.astype("f8") - theirs.astype("f8")) <= ulps * unit.astype("f8")
        return (ours == theirs) | (np.isnan(ours) & np.isnan(theirs)) | near


def lines(records):
    """JSON with one case a line, so that a difference of two files can be read."""
    cases = [
        f"{json.dumps(name)}: {json.dumps(record, separators=(',', ':'), sort_keys=True)}"
        for name, record in records.items()
    ]
    return "{\n" + ",\n".join(cases) + "\n}\n"

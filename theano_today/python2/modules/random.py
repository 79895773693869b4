"""random, with Python 2's numbers for a seed.

random() itself has stayed; Python 3.2 changed how whole numbers are made of it, and strings'
seeds. The formulas are those of Python 2.7's random.py.
"""

from __future__ import annotations

import math
import random as today
import sys
from typing import Any

from theano_today.python2.modules import vary

_BITS = 53  # of what random() gives
_WORD = 0xFFFFFFFFFFFFFFFF


class Random(today.Random):
    def seed(self, a: Any = None, version: int = 1) -> None:
        # Python 2 seeded by hash(a). Version 1 has its hash of strings; whole numbers are absolute.
        if a is None or isinstance(a, (int, str, bytes)):
            super().seed(a, version=1)
        elif isinstance(a, float):
            super().seed(_hash_of_float(a))
        else:
            super().seed(hash(a) & _WORD)

    def _below(self, n: int) -> int:
        if n >= 1 << _BITS:
            bits = 1 + int(1.00001 + math.log(n - 1, 2.0))
            r = self.getrandbits(bits - 1)
            while r >= n:
                r = self.getrandbits(bits - 1)
            return r
        return int(self.random() * n)

    def randrange(self, start: Any, stop: Any = None, step: Any = 1) -> int:
        if any(x is not None and int(x) != x for x in (start, stop, step)):
            raise ValueError("non-integer argument for randrange()")
        start, step = int(start), int(step)
        if stop is None:
            if start <= 0:
                raise ValueError("empty range for randrange()")
            return self._below(start)
        width = int(stop) - start
        if step == 0:
            raise ValueError("zero step for randrange()")
        n = width if step == 1 else (width + step - (1 if step > 0 else -1)) // step
        if n <= 0:
            raise ValueError(f"empty range for randrange() ({start}, {stop}, {width})")
        return start + step * self._below(n)

    def randint(self, a: Any, b: Any) -> int:
        return self.randrange(a, b + 1)

    def choice(self, seq: Any) -> Any:
        return seq[int(self.random() * len(seq))]

    def shuffle(self, x: Any, random: Any = None) -> None:
        draw = self.random if random is None else random
        for i in range(len(x) - 1, 0, -1):
            j = int(draw() * (i + 1))
            x[i], x[j] = x[j], x[i]

    def sample(self, population: Any, k: int) -> list:  # type: ignore[override]
        n = len(population)
        if not 0 <= k <= n:
            raise ValueError("sample larger than population")
        size = 21  # of a small set, less that of an empty list
        if k > 5:
            size += 4 ** math.ceil(math.log(k * 3, 4))
        if n <= size or hasattr(population, "keys"):
            pool = list(population)
            result = []
            for i in range(k):
                j = int(self.random() * (n - i))
                result.append(pool[j])
                pool[j] = pool[n - i - 1]
            return result
        if isinstance(population, (set, frozenset)):
            population = tuple(population)
        chosen: set[int] = set()
        result = []
        for _ in range(k):
            j = int(self.random() * n)
            while j in chosen:
                j = int(self.random() * n)
            chosen.add(j)
            result.append(population[j])
        return result

    def jumpahead(self, n: int) -> None:
        raise NotImplementedError("random.jumpahead of Python 2: make a Random(seed) instead")


def _hash_of_float(x: float) -> int:
    if not math.isfinite(x):
        return 0 if x != x else (314159 if x > 0 else -271828 & _WORD)
    if x == int(x):
        return _hash_of_whole(int(x)) & _WORD
    fraction, exponent = math.frexp(x)
    fraction *= 2147483648.0
    high = int(fraction)
    low = int((fraction - high) * 2147483648.0)
    return (high + low + (exponent << 15)) & _WORD


def _hash_of_whole(n: int) -> int:
    return n if -(1 << 63) <= n < 1 << 63 else hash(n)


_inst = Random()
seed = _inst.seed
random = _inst.random
uniform = _inst.uniform
triangular = _inst.triangular
randint = _inst.randint
choice = _inst.choice
randrange = _inst.randrange
sample = _inst.sample
shuffle = _inst.shuffle
normalvariate = _inst.normalvariate
lognormvariate = _inst.lognormvariate
expovariate = _inst.expovariate
vonmisesvariate = _inst.vonmisesvariate
gammavariate = _inst.gammavariate
gauss = _inst.gauss
betavariate = _inst.betavariate
paretovariate = _inst.paretovariate
weibullvariate = _inst.weibullvariate
getstate = _inst.getstate
setstate = _inst.setstate
getrandbits = _inst.getrandbits

vary(sys.modules[__name__], today)

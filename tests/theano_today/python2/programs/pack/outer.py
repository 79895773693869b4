from __future__ import division
import inner


def half(n):
    return n / 2

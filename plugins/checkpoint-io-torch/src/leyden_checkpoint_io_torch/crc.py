"""CRC-32 of bytes that stand one after the other, from the checksum of each part.

Checksums of CRC-32 are remainders of polynomials over GF(2), so putting ``n`` bytes behind others multiplies their
remainder by ``x ** (8 * n)``. The polynomials stand with their bits reversed, as zlib has them: the highest bit is
``x ** 0``.
"""

from __future__ import annotations

from functools import cache, lru_cache

POLYNOMIAL = 0xEDB88320
ONE = 1 << 31


def joined(first: int, second: int, length: int) -> int:
    """The checksum of two parts.

    Args:
        first: checksum of the first.
        second: checksum of the second.
        length: of the second, in bytes.
    """
    return _product(_shift(length), first) ^ second


def _product(one: int, other: int) -> int:
    found, bit = 0, ONE
    while bit:
        if one & bit:
            found ^= other
        other = other >> 1 ^ (POLYNOMIAL if other & 1 else 0)
        bit >>= 1
    return found


@lru_cache(4096)
def _shift(length: int) -> int:
    """``x ** (8 * length)``."""
    found, exponent, power = ONE, 8 * length, 0
    while exponent:
        if exponent & 1:
            found = _product(_squared(power), found)
        exponent, power = exponent >> 1, power + 1
    return found


@cache
def _squared(times: int) -> int:
    """``x`` squared so often."""
    if not times:
        return ONE >> 1
    half = _squared(times - 1)
    return _product(half, half)

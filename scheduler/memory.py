"""Keeps the memory of a process that runs for months small: how it is taken, and how often it is looked through."""

import ctypes
import gc
from contextlib import suppress

# mallopt(3). The C library gives each thread a pool of its own, up to eight for each core, and keeps in every one what
# its busiest moment took. Python's threads take memory one at a time, so two are enough.
_M_ARENA_MAX = -8
_ARENAS = 2
_NEW_VALUES = 5_000


def share_pools() -> None:
    """Let threads take memory from two pools; to be called before they start. Only glibc has such pools."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def settle_memory() -> None:
    """Spare the garbage collector what starting made: it stays to the end, and one look at it takes a tenth second.

    And let it look seldom: a feed that is read makes thousands of values, and hardly any that refer to each other.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_VALUES, *gc.get_threshold()[1:])

"""Objects in a reference cycle are freed while the bridge runs, however many objects existed before."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from bridge.runtime.memory import look_for_garbage_seldom

BUILT, LATER = 200_000, 120_000


class Ring:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("as_before")
def test_a_reference_cycle_that_survived_collections_is_freed_before_many_more_are_created() -> None:
    built = [[] for _ in range(BUILT)]  # type: ignore[var-annotated] # as the settings, mappings and statements of a bridge
    gc.collect()
    look_for_garbage_seldom()
    ring = Ring()
    gone = weakref.ref(ring)
    gc.collect(1)  # it is still in use during the collections of the younger generations
    gc.collect(1)
    del ring
    for _ in range(LATER):
        Ring()
    assert gone() is None
    assert len(built) == BUILT

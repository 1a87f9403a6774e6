"""Strategies for rows that pick an element by its rank."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.strategies import Tries, distinct, shapes

strategies = {"median": Tries(st.tuples(st.tuples(distinct(shapes(min_side=1))), st.just({})))}

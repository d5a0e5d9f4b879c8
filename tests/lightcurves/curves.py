"""Light curves by chance, for the tests of their analysis."""

import numpy as np
from hypothesis import strategies as st

NUMBERS = st.floats(-1e3, 1e3, allow_subnormal=False).map(lambda x: round(x, 3))


@st.composite
def some_points(draw, least=1, most=40):
    """Draw times in order, values, and errors above 0."""
    n = draw(st.integers(least, most))
    times = np.cumsum(draw(st.lists(st.floats(0.01, 5.0), min_size=n, max_size=n)))
    values = np.array(draw(st.lists(NUMBERS, min_size=n, max_size=n)))
    errors = np.array(draw(st.lists(st.floats(0.1, 10.0), min_size=n, max_size=n)))
    return times, values, errors

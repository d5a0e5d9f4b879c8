import pytest

from astrid.core.cones import cone_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("150.25 -2.5 3.6", (150.25, -2.5, 0.001)),
        ("150.25, -2.5, 3.6", (150.25, -2.5, 0.001)),
        ('10:01:00 -02:30:00 36"', (150.25, -2.5, 0.01)),
        ("10:01:00 -02:30:00 6'", (150.25, -2.5, 0.1)),
        ("150.25 -2.5 2d", (150.25, -2.5, 2.0)),
    ],
)
def test_a_cone_is_read_in_degrees_and_sexagesimal(text, expected):
    cone = cone_of(text)
    # exact up to the rounding of sexagesimal arithmetic
    assert (cone.ra, cone.dec, cone.radius_deg) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    "text", ["exposure 3", "AstrID J100100.00-023000.0", "a b c", "1 2", "1 2 3.4.5", ""]
)
def test_names_are_no_cones(text):
    assert cone_of(text) is None


def test_numbers_that_the_sky_does_not_have_are_refused():
    with pytest.raises(ValueError, match="99"):
        cone_of("10:99:00 0 5")

import numpy as np

from preprocessing.pictures import MARK, drawn


def test_masked_pixels_are_tinted_and_what_lies_below_them_stays_visible():
    grey = np.full((40, 40), 30, np.uint8)
    grey[10, 10] = 200  # a star in a masked row
    marked = np.zeros(grey.shape, bool)
    marked[10] = True
    picture = np.asarray(drawn(grey, marked=marked, width=40)).astype(int)[::-1]
    assert (picture[0] == 30).all()
    sky, star = picture[10, 0], picture[10, 10]
    # Redder than grey, yet nearer to the sky than to the mark.
    assert sky[0] > sky[2]
    assert np.abs(sky - 30).sum() < np.abs(sky - MARK).sum()
    assert star.sum() - sky.sum() > 300

import io
import pickle
import zipfile

import numpy as np
import pytest
from astropy.io import fits

from astrid.core.errors import BadImage
from detection.uploads import MOST_BYTES, MOST_STAMPS, MOST_VALUES, read_all, read_cutouts

PIXELS = np.random.default_rng(3).normal(10, 2, (4, 3, 33, 33)).astype(np.float32)


def npz(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def fits_of(*images):
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), *map(fits.ImageHDU, images)]).writeto(stream)
    return stream.getvalue()


def cube_of(image):
    stream = io.BytesIO()
    fits.PrimaryHDU(image).writeto(stream)
    return stream.getvalue()


@pytest.mark.parametrize(("content", "expected"), [
    (npz(triplets=PIXELS), PIXELS),
    (npz(x=np.moveaxis(PIXELS, 1, 3)), PIXELS),
    (npz(stamps=PIXELS.astype(">f8"), other=np.ones(3)), PIXELS),
    (npy(PIXELS), PIXELS),
    (npy(np.asfortranarray(PIXELS)), PIXELS),
    (npy(PIXELS[0]), PIXELS[:1]),
    (fits_of(*PIXELS[0]), PIXELS[:1]),
    (cube_of(PIXELS), PIXELS),
    (cube_of(PIXELS[1]), PIXELS[1:2]),
])  # fmt: skip
def test_cutouts_of_every_kind_of_file_are_read(content, expected):
    assert np.array_equal(read_cutouts(content).planes, expected)


def test_facts_beside_the_pixels_are_read_one_for_each():
    history = np.array([1, np.nan, 3, 4])
    facts = read_cutouts(npz(x=PIXELS, fwhm=2.5, sign=[1, -1, 0, 1], history=history)).facts
    assert facts["fwhm"].tolist() == [2.5] * 4
    assert facts["sign"].tolist() == [1, -1, 0, 1]
    assert np.array_equal(facts["history"], history, equal_nan=True)


def pickled():
    stream = io.BytesIO()
    np.save(stream, np.array([{"a": 1}], object), allow_pickle=True)
    return stream.getvalue()


def npz_of(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return stream.getvalue()


def forged(*shape):
    """An npy whose header promises more than there is."""
    stream = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, header)
    return stream.getvalue() + bytes(1000)


@pytest.mark.parametrize(("content", "words"), [
    (b"", "neither an npz, an npy nor a FITS"),
    (pickle.dumps(PIXELS), "neither an npz"),
    (pickled(), "pickled objects, which are never opened"),
    (npz_of(x=pickled()), "pickled objects, which are never opened"),
    (npz(labels=np.ones(3)), "but none of triplets, stamps, cutouts, x"),
    (npz(x=PIXELS)[:-40], "the npz cannot be read"),
    (npz_of(x=b"nonsense"), "an array cannot be read"),
    (npy(PIXELS)[:-40], "but the file ends before"),
    (forged(9, 3, 33, 33), "but the file ends before"),
    (forged(MOST_VALUES + 1), "numbers .* at most"),
    (npy(np.array(["a"])), "send numbers"),
    (npy(PIXELS.astype(complex)), "send numbers"),
    (npy(PIXELS[:, :2]), r"cutouts have shape \(4, 2, 33, 33\)"),
    (npy(PIXELS[:, :, :, :20]), r"cutouts have shape \(4, 3, 33, 20\)"),
    (npy(PIXELS[0, 0]), "cutouts have shape"),
    (npy(PIXELS[:0]), "0 cutouts: send 1 to 256"),
    (npy(np.zeros((MOST_STAMPS + 1, 3, 15, 15), np.int16)), "257 cutouts: send 1 to 256"),
    (npy(PIXELS[..., :14, :14]), "cutouts of 14 px: 15 to 255 px are judged"),
    (fits_of(PIXELS[0, 0], PIXELS[0, 1]), "send one cube, or science, reference, difference"),
    (fits_of(PIXELS[0, 0], PIXELS[0, 1], PIXELS[0, 2, :20]), "send one cube"),
    (fits_of(*PIXELS[0])[:6000], "the FITS file cannot be read"),
    (npz(x=PIXELS, fwhm=[2.0, 3.0]), "fwhm has shape"),
    (bytes(MOST_BYTES + 1), "at most"),
])  # fmt: skip
def test_what_cannot_be_trusted_is_refused_with_the_reason(content, words):
    with pytest.raises(BadImage, match=words):
        read_cutouts(content)


def test_a_fact_that_no_exposure_has_costs_only_the_cutout_that_it_belongs_to():
    found = read_cutouts(npz(x=PIXELS, fwhm=[2, np.nan, 3, 99], sign=[1, 1, 2, 5]))
    assert found.faults == [
        "",
        "fwhm is nan: 0.5 to 30 is wanted",
        "sign is 2: -1 to 1 is wanted",
        "fwhm is 99: 0.5 to 30 is wanted; sign is 5: -1 to 1 is wanted",
    ]
    assert np.array_equal(found.good().planes, PIXELS[:1])


def test_a_file_that_cannot_be_read_costs_only_itself_and_so_does_one_that_is_too_much():
    many = npy(np.zeros((MOST_STAMPS - 4, 3, 15, 15), np.int16))
    first, bad, second, third = read_all([npy(PIXELS), b"?", many, npy(PIXELS[:1])])
    assert (len(first), len(second)) == (4, MOST_STAMPS - 4)
    assert "neither an npz" in bad
    assert f"{MOST_STAMPS + 1} cutouts" in third


def test_numbers_beyond_float32_count_as_no_data():
    pixels = PIXELS.astype(float)
    pixels[0, 0, 0, 0] = 1e300
    assert np.isinf(read_cutouts(npy(pixels)).planes[0, 0, 0, 0])

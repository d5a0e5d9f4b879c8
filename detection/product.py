"""The files of an inference: probability and mask, with the WCS of the frame."""

import io

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray


def image_fits(image: NDArray[np.generic], celestial: fits.Header) -> bytes:
    """Give a compressed FITS file of one (ny, nx) image, with checksums; floats lose nothing."""
    unit = fits.CompImageHDU(image, header=celestial, compression_type="GZIP_2", quantize_level=0)
    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), unit]).writeto(stream, checksum=True)
    return stream.getvalue()

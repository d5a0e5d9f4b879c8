"""PSF photometry at given places by photutils (Bradley et al. 2024, doi:10.5281/zenodo.596036)."""

from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers.job import SCIENCE, Job
from benchmarks.peers.method import Method

METHOD = Method(
    title="photutils PSFPhotometry",
    given="the PSF, the noise of every pixel, the mask, places and fluxes to begin with",
    makes="fluxes with errors",
    settings="fixed places, no groups",
    install="pip install photutils",
    python="peers",
)


def version() -> str:
    """Give the version."""
    import photutils

    return str(photutils.__version__)


def prepare(job: Job) -> dict[str, Any]:
    """Read the frame, its noise, mask and PSF, and the places."""
    from astropy.table import Table
    from photutils.psf import ImagePSF, PSFPhotometry

    psf = ImagePSF(job.array("psf"))
    psf.x_0.fixed = psf.y_0.fixed = True
    x, y, flux = job.array("places").T
    return {
        # neighbours are not parted, as here
        "photometry": PSFPhotometry(psf, job.facts["fit_side"], grouper=None),
        "data": job.array(SCIENCE),
        "error": job.array("noise"),
        "mask": job.array("mask"),
        # a fit begins somewhere: at the truth, which is the least work
        "init_params": Table([x, y, flux], names=("x", "y", "flux")),
    }


def run(inputs: dict[str, Any]) -> dict[str, npt.NDArray[Any]]:
    """Fit the flux at every place."""
    given = dict(inputs)
    found = given.pop("photometry")(**given)
    return {"fluxes": np.asarray(found["flux_fit"]), "errors": np.asarray(found["flux_err"])}

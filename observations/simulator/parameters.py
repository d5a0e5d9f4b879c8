"""What a simulated scene and its camera are like."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SceneParameters:
    """Everything `simulate_pair` and `simulate_night` need besides a seed.

    Fluxes are electrons per second at airmass 1; a source of magnitude
    ``zero_point_mag`` gives one. Lengths are pixels unless the name says otherwise.
    """

    # camera
    size: int = 1024
    pixel_scale_arcsec: float = 0.4
    gain: float = 1.5  # electrons per ADU
    read_noise_e: float = 6.0
    saturation_adu: float = 60000.0
    bad_columns_per_mpix: float = 2.0
    hot_pixels_per_mpix: float = 30.0
    cosmic_rays_per_mpix: float = 12.0
    cosmic_ray_diffusion: float = 0.0  # of the charge of a hit, 1 sigma, 0 to 0.7

    # pointing
    ra: float = 150.1
    dec: float = 2.2
    filter_band: str = "r"
    max_dither: float = 30.0
    max_rotation_deg: float = 0.3
    wcs_error: float = 0.3  # wrong offset of the header's WCS, per axis, 1 sigma
    distortion: float = 0.1  # rms of the smooth displacement that no WCS knows

    # exposures: the reference is the mean of several, which makes it deeper
    exposure_s: float = 60.0
    reference_exposures: int = 6
    science_seeing: float = 3.4  # FWHM
    reference_seeing: float = 2.7
    science_transparency: float = 0.8
    sky_e_per_s: float = 10.0
    sky_gradient: float = 0.1  # peak to peak over the frame, as a fraction
    # A pair's science frame is moved by a part of a pixel with a spline of this order, as frames
    # of a survey's stacks are: 1 bilinear, 3 cubic, 0 not at all
    resampling_order: Literal[0, 1, 3] = 0

    # point spread function
    psf_beta: float = 3.0  # Moffat exponent of the science frames
    reference_psf_beta: float = 3.3
    psf_variation: float = 0.1  # peak relative change of the FWHM over the frame
    psf_ellipticity: float = 0.06

    # the sky
    zero_point_mag: float = 26.0
    stars_per_mpix: float = 1100.0
    star_magnitudes: tuple[float, float] = (12.5, 24.5)
    galaxies_per_mpix: float = 330.0
    galaxy_magnitudes: tuple[float, float] = (17.0, 24.5)

    # what changes
    transients_per_mpix: float = 40.0
    host_fraction: float = 0.5
    snr_range: tuple[float, float] = (5.0, 50.0)
    variables_per_mpix: float = 10.0
    variable_magnitudes: tuple[float, float] = (18.5, 21.5)
    variable_amplitude_mag: tuple[float, float] = (0.15, 0.8)
    fading_fraction: float = 0.5

    def __post_init__(self) -> None:
        """Refuse a scene that cannot be drawn."""
        if self.size < MIN_SIZE:
            raise ValueError(f"size is {self.size} px; a scene needs at least {MIN_SIZE}")
        for name in POSITIVE:
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above zero")
        if not 0 <= self.cosmic_ray_diffusion <= WIDEST_DIFFUSION:
            raise ValueError(
                f"cosmic_ray_diffusion is {self.cosmic_ray_diffusion} px; "
                f"it must be from 0 to {WIDEST_DIFFUSION}"
            )
        if self.resampling_order not in SPLINES:
            raise ValueError(
                f"resampling_order is {self.resampling_order}; it must be one of {SPLINES}"
            )
        if self.psf_beta <= 1 or self.reference_psf_beta <= 1:
            raise ValueError("a Moffat profile has finite flux only for beta above 1")

    @property
    def megapixels(self) -> float:
        """Area of one frame in 1e6 px."""
        return self.size**2 / 1e6


# Two edge margins (`scene.EDGE`) and a field between them.
MIN_SIZE = 96
# Thick detectors reach about 0.5 px; wider hits would be light of the sky to any method.
WIDEST_DIFFUSION = 0.7
SPLINES = (0, 1, 3)
POSITIVE = (
    "pixel_scale_arcsec",
    "gain",
    "saturation_adu",
    "exposure_s",
    "reference_exposures",
    "science_seeing",
    "reference_seeing",
    "science_transparency",
    "sky_e_per_s",
)

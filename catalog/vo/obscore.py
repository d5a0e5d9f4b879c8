"""``ivoa.ObsCore``: every image of this archive, described as all archives do.

Reference: Louys et al. 2017, Observation Data Model Core Components 1.1, IVOA Recommendation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import (
    BigIntegerField,
    Case,
    Exists,
    ExpressionWrapper,
    F,
    FloatField,
    Func,
    IntegerField,
    OuterRef,
    QuerySet,
    TextField,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce

from astrid.core.models import RunStatus
from catalog.vo.adql.schema import Area, Place, Table
from catalog.vo.areas import Region, Square, corners
from catalog.vo.bands import wavelength
from catalog.vo.describe import Source, statement_of
from catalog.vo.obscore_columns import COLUMNS
from catalog.vo.tables import widest_frame
from detection.models import Detection
from detection.parameters import DetectionParameters
from differencing.models import DifferenceRun
from observations.models import Observation
from preprocessing.models import PreprocessRun

AREA = ("s_region", "footprint", "s_radius")
PLACE = Place("s_ra", "s_dec", "hpx")
FITS = "application/fits"
_PLANES = 5  # images in the file of a difference
_SECONDS = 86_400.0
# Half the diagonal of no cutout is wider than this.
_WIDEST_CUTOUT_DEG = 0.5


@dataclass(frozen=True)
class Archive:
    """What stands in every identifier and address."""

    authority: str
    root: str

    def identifier(self, kind: str) -> str:
        """Give what the identifiers of a kind of product begin with."""
        return f"ivo://{self.authority}/{kind}?"

    def address(self, kind: str) -> str:
        """Give what the addresses of a kind of product begin with."""
        return f"{self.root}/vo/files/{kind}/"


@dataclass(frozen=True)
class Product:
    """A kind of image: who may see it, its rows, and how they lead to their exposure."""

    kind: str
    permission: str
    exposure: str
    rows: QuerySet[Any]
    columns: Mapping[str, Combinable]


class _Joined(Func):
    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = TextField()


def obscore(archive: Archive, products: Sequence[Product]) -> Table:
    """Publish the images of these kinds."""
    statements: list[str] = []
    parameters: list[Any] = []
    for product in products:
        sources = [replace(each, expression=_column(each, product, archive)) for each in COLUMNS]
        statement, values = statement_of(product.rows.order_by(), sources)
        statements.append(f"({statement})")
        parameters += values
    return Table(
        "ivoa.ObsCore",
        tuple(each.column for each in COLUMNS),
        " UNION ALL ".join(statements),
        tuple(parameters),
        description="Images: frames, calibrated frames, differences and cutouts.",
        utype="ivo://ivoa.net/std/ObsCore#core-1.1",
        place=PLACE,
        area=Area(*AREA, widest=lambda: max(widest_frame(), _WIDEST_CUTOUT_DEG)),
    )


_TYPES = {"double": FloatField, "char": TextField, "long": BigIntegerField}


def _column(source: Source, product: Product, archive: Archive) -> Combinable:
    """Give a column of one kind of image; all kinds give a column the same type."""
    name = source.column.name
    given = {**_exposure(product.exposure), **_names(product, archive), **product.columns}.get(name)
    if name == "hpx":
        return given or F(f"{product.exposure}hpx")
    if name == "footprint":
        return given or corners(f"{product.exposure}footprint")
    field = _TYPES.get(source.column.datatype, IntegerField)()
    return Cast(Value(None) if given is None else given, field)


def _names(product: Product, archive: Archive) -> dict[str, Combinable]:
    key = Cast("pk", TextField())
    return {
        "obs_publisher_did": _Joined(Value(archive.identifier(product.kind)), key),
        "access_url": _Joined(Value(archive.address(product.kind)), key),
        "access_format": Value(FITS),
        "dataproduct_type": Value("image"),
        "dataproduct_subtype": Value(product.kind),
        "o_ucd": Value("phot.count"),
    }


def _exposure(path: str) -> dict[str, Combinable]:
    """Give what an image has from its exposure, which ``path`` leads to."""
    start, length = F(f"{path}mjd_utc"), F(f"{path}exposure_time")
    return {
        "obs_collection": F(f"{path}survey__name"),
        "obs_id": F(f"{path}observation_id"),
        "s_ra": F(f"{path}ra"),
        "s_dec": F(f"{path}dec"),
        "s_fov": F(f"{path}radius_deg") * 2.0,
        "s_radius": F(f"{path}radius_deg"),
        "s_region": Region(corners(f"{path}footprint")),
        "s_resolution": F(f"{path}seeing"),
        "s_pixel_scale": F(f"{path}pixel_scale"),
        "s_xel1": F(f"{path}image_width"),
        "s_xel2": F(f"{path}image_height"),
        "t_min": start,
        "t_max": ExpressionWrapper(start + length / _SECONDS, FloatField()),
        "t_exptime": length,
        "t_xel": Value(1),
        "em_min": wavelength(f"{path}filter_band", -1),
        "em_max": wavelength(f"{path}filter_band", +1),
        "em_xel": Value(1),
        "filter_name": F(f"{path}filter_band"),
        "facility_name": F(f"{path}site"),
        "instrument_name": F(f"{path}instrument"),
        "pol_xel": Value(0),
        "access_estsize": _size(path, 1),
    }


def _size(path: str, planes: int) -> Combinable:
    """Estimate kilobytes: four bytes per pixel and plane."""
    pixels = F(f"{path}image_width") * F(f"{path}image_height")
    return ExpressionWrapper(pixels * (4.0 * planes / 1000), FloatField())


def frames() -> Product:
    """Give exposures as they came."""
    level = Case(When(is_raw=True, then=Value(1)), default=Value(2))
    rows = Observation.objects.filter(fits_file_path__gt="")
    return Product("frame", "observations.view_observation", "", rows, {"calib_level": level})


def calibrated() -> Product:
    """Give exposures that the pipeline has calibrated and aligned, each as it was done last."""
    done = PreprocessRun.objects.filter(status=RunStatus.COMPLETED, processed_fits_path__gt="")
    later = done.filter(observation=OuterRef("observation"), pk__gt=OuterRef("pk"))
    columns = {"calib_level": Value(2)}
    permission = "preprocessing.view_preprocessrun"
    return Product("calibrated", permission, "observation__", done.filter(~Exists(later)), columns)


def differences() -> Product:
    """Give difference images; those made for comparison stand aside."""
    rows = DifferenceRun.objects.filter(
        status=RunStatus.COMPLETED, is_comparison=False, difference_image_path__gt=""
    )
    columns = {"calib_level": Value(3), "access_estsize": _size("observation__", _PLANES)}
    return Product("difference", "differencing.view_differencerun", "observation__", rows, columns)


def cutouts() -> Product:
    """Give the pixels round each detection."""
    stated = Cast(KeyTextTransform("cutout_px", F("model_run__parameters")), FloatField())
    side = Coalesce(stated, Value(float(DetectionParameters().cutout_px)))
    scale = F("observation__pixel_scale") / 3600.0
    half = ExpressionWrapper(scale * side / 2.0, FloatField())
    square = Square(F("ra"), F("dec"), half)
    columns: dict[str, Combinable] = {
        "calib_level": Value(3),
        "target_name": F("sky_object__designation"),
        "s_ra": F("ra"),
        "s_dec": F("dec"),
        "hpx": F("hpx"),
        "s_fov": ExpressionWrapper(half * 2.0, FloatField()),
        "s_radius": ExpressionWrapper(half * 1.4143, FloatField()),
        "footprint": square,
        "s_region": Region(square),
        "s_xel1": side,
        "s_xel2": side,
        "access_estsize": ExpressionWrapper(side * side * (4 * 4 / 1000), FloatField()),
    }
    rows = Detection.objects.believed().filter(cutouts_path__gt="")
    return Product("cutout", "detection.view_detection", "observation__", rows, columns)


def products() -> tuple[Product, ...]:
    """Give every kind of image."""
    return frames(), calibrated(), differences(), cutouts()

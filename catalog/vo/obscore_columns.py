"""The columns of ObsCore, in its order, with their units, UCDs and utypes."""

from functools import partial
from typing import Any

from catalog.vo.adql.schema import Column
from catalog.vo.describe import HEALPIX_UCD, Source


def _column(
    name: str, datatype: str, utype: str, ucd: str, description: str, **more: Any
) -> Source:
    column = Column(
        name,
        datatype,
        description,
        ucd=ucd,
        utype=f"obscore:{utype}" if utype else "",
        arraysize="*" if datatype == "char" else "",
        is_standard=bool(utype),
        **more,
    )
    return Source(column, name)


_text = partial(_column, datatype="char")
_real = partial(_column, datatype="double")
_int = partial(_column, datatype="int")
_long = partial(_column, datatype="long")


def _make(maker: Any, name: str, utype: str, ucd: str, description: str, **more: Any) -> Source:
    made: Source = maker(name, utype=utype, ucd=ucd, description=description, **more)
    return made


_S = "Char.SpatialAxis"
_T = "Char.TimeAxis"
_E = "Char.SpectralAxis"
_STANDARD = (
    _make(_text, "dataproduct_type", "ObsDataset.dataProductType", "meta.code.class", "image."),
    _make(_text, "dataproduct_subtype", "ObsDataset.dataProductSubtype", "meta.code.class",
          "frame, calibrated, difference or cutout."),
    _make(_int, "calib_level", "ObsDataset.calibLevel", "meta.code;obs.calib",
          "1 raw, 2 calibrated, 3 derived."),
    _make(_text, "obs_collection", "DataID.collection", "meta.id", "The survey."),
    _make(_text, "obs_id", "DataID.observationID", "meta.id", "The survey's name of the exposure."),
    _make(_text, "obs_publisher_did", "Curation.publisherDID", "meta.ref.ivoid",
          "Identifier of the image."),
    _make(_text, "access_url", "Access.reference", "meta.ref.url", "Where the image is."),
    _make(_text, "access_format", "Access.format", "meta.code.mime", "What it is."),
    _make(_long, "access_estsize", "Access.size", "phys.size;meta.file", "Estimate.", unit="kbyte"),
    _make(_text, "target_name", "Target.name", "meta.id;src", "The object of a cutout."),
    _make(_real, "s_ra", f"{_S}.Coverage.Location.Coord.Position2D.Value2.C1", "pos.eq.ra",
          "Centre, ICRS.", unit="deg", is_indexed=True),
    _make(_real, "s_dec", f"{_S}.Coverage.Location.Coord.Position2D.Value2.C2", "pos.eq.dec",
          "Centre, ICRS.", unit="deg", is_indexed=True),
    _make(_real, "s_fov", f"{_S}.Coverage.Bounds.Extent.diameter", "phys.angSize;instr.fov",
          "Diameter.", unit="deg"),
    _make(_text, "s_region", f"{_S}.Coverage.Support.Area", "pos.outline;obs.field",
          "Outline, ICRS.", xtype="adql:REGION"),
    _make(_real, "s_resolution", f"{_S}.Resolution.Refval.value", "pos.angResolution",
          "FWHM of stars.", unit="arcsec"),
    _make(_long, "s_xel1", f"{_S}.numBins1", "meta.number", "Columns."),
    _make(_long, "s_xel2", f"{_S}.numBins2", "meta.number", "Rows."),
    _make(_real, "t_min", f"{_T}.Coverage.Bounds.Limits.StartTime", "time.start;obs.exposure",
          "Start, modified Julian date, UTC.", unit="d"),
    _make(_real, "t_max", f"{_T}.Coverage.Bounds.Limits.StopTime", "time.end;obs.exposure",
          "End, modified Julian date, UTC.", unit="d"),
    _make(_real, "t_exptime", f"{_T}.Coverage.Support.Extent", "time.duration;obs.exposure",
          "Open.", unit="s"),
    _make(_real, "t_resolution", f"{_T}.Resolution.Refval.value", "time.resolution",
          "Not known.", unit="s"),
    _make(_long, "t_xel", f"{_T}.numBins", "meta.number", "One exposure."),
    _make(_real, "em_min", f"{_E}.Coverage.Bounds.Limits.LoLimit", "em.wl;stat.min",
          "Short end of the filter.", unit="m"),
    _make(_real, "em_max", f"{_E}.Coverage.Bounds.Limits.HiLimit", "em.wl;stat.max",
          "Long end of the filter.", unit="m"),
    _make(_real, "em_res_power", f"{_E}.Resolution.ResolPower.refVal", "spect.resolution",
          "Not known."),
    _make(_long, "em_xel", f"{_E}.numBins", "meta.number", "One filter."),
    _make(_text, "o_ucd", "Char.ObservableAxis.ucd", "meta.ucd", "What the pixels count."),
    _make(_text, "pol_states", "Char.PolarizationAxis.stateList", "meta.code;phys.polarization",
          "None."),
    _make(_long, "pol_xel", "Char.PolarizationAxis.numBins", "meta.number", "None."),
    _make(_real, "s_pixel_scale", f"{_S}.Sampling.RefVal.SamplingPeriod",
          "phys.angSize;instr.pixel", "Of the detector.", unit="arcsec"),
    _make(_text, "facility_name", "Provenance.ObsConfig.Facility.name", "meta.id;instr.tel",
          "Observatory."),
    _make(_text, "instrument_name", "Provenance.ObsConfig.Instrument.name", "meta.id;instr",
          "Camera."),
)  # fmt: skip
_OWN = (
    _make(_text, "filter_name", "", "meta.id;instr.filter", "Filter, as the survey calls it."),
    _make(_long, "hpx", "", HEALPIX_UCD, "HEALPix cell of the centre, order 29, nested.",
          is_indexed=True),
    _make(_real, "s_radius", "", "phys.angSize", "Of the circle round the outline.", unit="deg"),
)  # fmt: skip
_HIDDEN = _make(_real, "footprint", "", "", "", is_hidden=True)

COLUMNS: tuple[Source, ...] = (*_STANDARD, *_OWN, _HIDDEN)

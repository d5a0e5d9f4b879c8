"""Service descriptors: how a tool goes on from an answer to another service.

Reference: Bonnarel et al. 2023, DataLink 1.1, section 4.
"""

from collections.abc import Sequence

from astropy.io.votable.tree import Group, Param, Resource, VOTableFile

from catalog.vo import votable
from catalog.vo.adql.schema import Column
from catalog.vo.visible import Caller

_LINKS = "ivo://ivoa.net/std/DataLink#links-1.1"
_SODA = "ivo://ivoa.net/std/SODA#sync-1.0"
_SHAPES = {
    "POS": {"datatype": "char", "arraysize": "*"},
    "CIRCLE": {"datatype": "double", "arraysize": "3", "unit": "deg", "xtype": "circle"},
    "POLYGON": {"datatype": "double", "arraysize": "*", "unit": "deg", "xtype": "polygon"},
}
_CONE = "ivo://ivoa.net/std/ConeSearch"


def datalink_of(caller: Caller, columns: Sequence[Column], name: str) -> Resource:
    """Describe the service that leads from a column of identifiers to files."""
    names = [each.name for each in columns]
    key = votable.keys(names)[names.index(name)]
    return _descriptor(
        "datalink", _LINKS, f"{caller.root}/vo/datalink/links", [("ID", "char", "", key)]
    )


def soda_of(caller: Caller, columns: Sequence[Column], name: str) -> Resource:
    """Describe the service that cuts the images of a column of identifiers."""
    names = [each.name for each in columns]
    key = votable.keys(names)[names.index(name)]
    resource = _descriptor("soda", _SODA, f"{caller.root}/vo/soda/sync", [("ID", "char", "", key)])
    document, group = VOTableFile(version="1.4"), resource.groups[0]
    group.entries.extend(
        Param(document, ID=f"soda-{label}", name=label, value="", ucd="pos.outline;obs", **more)
        for label, more in _SHAPES.items()
    )
    return resource


def cone_of(caller: Caller, name: str, ra: float, dec: float) -> Resource:
    """Describe the cone search round a place; how wide it is, the user says."""
    inputs = [
        ("RA", "double", repr(ra), ""),
        ("DEC", "double", repr(dec), ""),
        ("SR", "double", "0.01", ""),
    ]
    return _descriptor("neighbours", _CONE, f"{caller.root}/vo/scs/{name}", inputs)


def _descriptor(
    name: str, standard: str, address: str, inputs: Sequence[tuple[str, str, str, str]]
) -> Resource:
    document = VOTableFile(version="1.4")
    resource = Resource(ID=name, name=name, utype="adhoc:service", type="meta")
    # Without IDs of their own, parts of two services would have the same.
    resource.params.append(_text(document, "standardID", standard, name))
    resource.params.append(_text(document, "accessURL", address, name))
    group = Group(None, ID=f"{name}-inputs", name="inputParams")
    for label, datatype, value, ref in inputs:
        given = {"ref": ref} if ref else {}
        arraysize = "*" if datatype == "char" else None
        group.entries.append(
            Param(
                document,
                ID=f"{name}-{label}",
                name=label,
                datatype=datatype,
                arraysize=arraysize,
                value=value,
                **given,
            )
        )
    resource.groups.append(group)
    return resource


def _text(document: VOTableFile, name: str, value: str, owner: str) -> Param:
    key = f"{owner}-{name}"
    return Param(document, ID=key, name=name, datatype="char", arraysize="*", value=value)

"""Tables in Parquet, whatever program wrote them."""

import io

import pyarrow as pa
from astropy.table import MaskedColumn, Table
from pyarrow import parquet

# Under this name astropy keeps units and descriptions; others keep them with each column.
_ASTROPY = b"table_meta_yaml"


def read_parquet(content: bytes) -> Table:
    """Read a table; numbers stay what they are, all else becomes text, and nulls are masked."""
    rows = parquet.read_table(io.BytesIO(content))
    if _ASTROPY in (rows.schema.metadata or {}):
        return Table.read(io.BytesIO(content), format="parquet")
    return Table([_column(field, rows.column(field.name)) for field in rows.schema], copy=False)


def _column(field: pa.Field, values: pa.ChunkedArray) -> MaskedColumn:
    about = {name.decode(): text.decode() for name, text in (field.metadata or {}).items()}
    return MaskedColumn(
        _values(field.type, values),
        name=field.name,
        mask=values.is_null().to_numpy(),
        unit=about.get("unit"),
        description=about.get("description"),
        meta={"ucd": about.get("ucd", "")},
    )


def _values(kind: pa.DataType, values: pa.ChunkedArray) -> object:
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return values.fill_null(pa.scalar(0).cast(kind)).to_numpy()
    return ["" if one is None else str(one) for one in values.to_pylist()]

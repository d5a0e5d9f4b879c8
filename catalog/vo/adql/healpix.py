"""``ivo_healpix_index``: in which HEALPix cell a row lies."""

from astrid.core.healpix import ORDER
from catalog.vo.adql.errors import AdqlError
from catalog.vo.adql.shapes import Reader, constant
from catalog.vo.adql.sql import Sql, sql
from catalog.vo.adql.syntax import Call


def index_of(node: Call, reader: Reader) -> Sql:
    """Write the number of the nested cell of an order that holds a row's position.

    Raises
    ------
    AdqlError
        If the order is none, or the position is not that of a table's rows.
    """
    first, *place = node.arguments or (None,)
    order = None if first is None else constant(first)
    if order is None or order != int(order) or not 0 <= order <= ORDER:
        raise AdqlError(f"IVO_HEALPIX_INDEX takes an order from 0 to {ORDER} first")
    point = reader.point(Call("POINT", tuple(place)) if len(place) == 2 else place[0])
    if point.cell is None:
        raise AdqlError("IVO_HEALPIX_INDEX is served for the position of a table's rows")
    return sql(f"({{}} >> {2 * (ORDER - int(order))})", point.cell)

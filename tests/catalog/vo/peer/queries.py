"""Queries that AstrID and its peer must answer alike."""

# ruff: noqa: S608 - these are queries in ADQL, which the servers translate

_INSIDE = "SELECT object_id FROM astrid.objects WHERE 1 = CONTAINS(POINT(ra, dec), {})"
_MEET = "SELECT obs_id FROM ivoa.obscore WHERE 1 = {}"
_EACH = "SELECT object_id, {} FROM astrid.objects"
_OTHER = "astrid.objects AS o {} JOIN astrid.detections AS d"

# Both give the same rows; their order counts where the query asks for one.
ALIKE = [
    "SELECT COUNT(*) AS n FROM astrid.objects",
    "SELECT designation, ra, dec, best_class FROM astrid.objects",
    # geometry: at the poles, across right ascension 0, at corners of cells
    *(_INSIDE.format(f"CIRCLE({place})") for place in (
        "0, 0, 0.01", "359.999, 12, 1", "123, 90, 3", "45, -90, 3", "45, 41.81, 1", "180, 0, 90",
        "180, -35, 0", "10, 20, 180",
    )),
    *(_INSIDE.format(area) for area in (
        "BOX(0, 0, 4, 4)", "BOX(45, 41.81, 2, 1)", "POLYGON(355, -5, 6, -4, 3, 7, 357, 4)",
        "POLYGON(0, 86, 90, 87, 180, 85, 270, 86)", "POLYGON('ICRS', 40, 35, 50, 36, 46, 48)",
    )),
    "SELECT object_id FROM astrid.objects WHERE 0 = CONTAINS(POINT(ra, dec), CIRCLE(0, 0, 5))",
    "SELECT object_id FROM astrid.objects WHERE DISTANCE(ra, dec, 45, 41.81) < 2",
    _EACH.format("DISTANCE(POINT(ra, dec), POINT(45, 41.81)) AS d"),
    _EACH.format("COORD1(POINT(ra, dec)) AS x, COORD2(POINT(ra, dec)) AS y"),
    "SELECT TOP 1 AREA(CIRCLE(10, 20, 40)) AS a, AREA(POLYGON(0, 0, 10, 0, 5, 10)) AS b"
    " FROM astrid.objects",
    "SELECT a.object_id AS one, b.object_id AS other FROM astrid.objects AS a"
    " JOIN astrid.objects AS b ON 1 = CONTAINS(POINT(a.ra, a.dec), CIRCLE(b.ra, b.dec, 0.01))"
    " WHERE a.object_id < b.object_id",
    # missing values
    "SELECT magnitude FROM astrid.detections ORDER BY magnitude",
    "SELECT COUNT(magnitude) AS n, COUNT(*) AS m, COUNT(DISTINCT detection_type) AS k"
    " FROM astrid.detections",
    "SELECT detection_id FROM astrid.detections WHERE magnitude IS NULL",
    "SELECT detection_id FROM astrid.detections WHERE NOT magnitude < 16",
    "SELECT detection_id FROM astrid.detections WHERE magnitude NOT BETWEEN 15.5 AND 16",
    "SELECT detection_id, COALESCE(magnitude, 99) AS m FROM astrid.detections",
    # joins, queries in queries, sets
    f"SELECT d.detection_id, o.designation FROM {_OTHER.format('')} USING (object_id)",
    f"SELECT d.detection_id, o.ra FROM {_OTHER.format('')} ON o.object_id = d.object_id"
    " WHERE d.confidence > 0.5",
    f"SELECT o.object_id, d.detection_id FROM {_OTHER.format('LEFT OUTER')}"
    " ON o.object_id = d.object_id AND d.confidence > 0.8",
    "SELECT COUNT(*) AS n FROM astrid.objects NATURAL JOIN astrid.detections",
    "SELECT object_id FROM astrid.objects AS o WHERE EXISTS"
    " (SELECT 1 FROM astrid.detections AS d WHERE d.object_id = o.object_id)",
    "SELECT o.object_id FROM astrid.objects AS o WHERE o.object_id NOT IN"
    " (SELECT d.object_id FROM astrid.detections AS d WHERE d.magnitude < 15.3)",
    "SELECT object_id, ra FROM astrid.objects WHERE ra < 10"
    " UNION SELECT object_id, ra FROM astrid.objects WHERE dec > 80",
    "SELECT object_id FROM astrid.objects EXCEPT SELECT object_id FROM astrid.detections",
    "SELECT object_id FROM astrid.objects INTERSECT SELECT object_id FROM astrid.detections",
    "WITH q AS (SELECT TOP 5 object_id, ra FROM astrid.objects ORDER BY ra)"
    " SELECT MAX(ra) AS m FROM q",
    # order and limits
    "SELECT TOP 5 object_id, ra FROM astrid.objects ORDER BY ra DESC",
    "SELECT object_id FROM astrid.objects ORDER BY ra OFFSET 290",
    "SELECT TOP 0 ra FROM astrid.objects",
    "SELECT DISTINCT best_class FROM astrid.objects ORDER BY best_class",
    "SELECT best_class, COUNT(*) AS n, AVG(ra) AS m, MIN(dec) AS lo, MAX(dec) AS hi,"
    " SUM(number_of_detections) AS s FROM astrid.objects GROUP BY best_class"
    " HAVING COUNT(*) > 10 ORDER BY best_class",
    # texts
    *(f"SELECT object_id FROM astrid.objects WHERE designation {word}" for word in (
        "LIKE 'AstrID J%'", "LIKE 'astrid_j%'", "LIKE 'O''Neill%'", "LIKE '% Lyrae%'",
        "NOT LIKE '%s%'", "ILIKE 'ASTRID%'", "= 'two  words 005'",
    )),
    _EACH.format("UPPER(best_class) AS u, LOWER(best_class) AS l, best_class || '!' AS x"),
    _EACH.format("ivo_nocasematch(best_class, 'SUPER%') AS x"),
    # numbers
    _EACH.format("ABS(dec) AS a, ROUND(ra, 2) AS b, TRUNCATE(ra, 1) AS c, FLOOR(dec) AS d,"
                 " CEILING(dec) AS e, SQRT(ra) AS f"),
    _EACH.format("LOG(ra + 1) AS a, LOG10(ra + 1) AS b, EXP(dec / 100) AS c, POWER(ra, 2) AS d,"
                 " MOD(number_of_detections, 3) AS e, DEGREES(PI()) AS f, RADIANS(dec) AS g"),
    _EACH.format("SIN(ra) AS a, COS(ra) AS b, TAN(ra) AS c, ASIN(0.5) AS d, ACOS(0.5) AS e,"
                 " ATAN(0.5) AS f, ATAN2(1, 2) AS g"),
    _EACH.format("number_of_detections / 2 AS a, 7 / 2 AS b, -number_of_detections AS c,"
                 " number_of_detections * 2.5 AS d, CAST(ra AS INTEGER) AS e"),
    _EACH.format("CASE WHEN number_of_detections > 2 THEN 'many' ELSE 'few' END AS w"),
    _EACH.format("ivo_healpix_index(5, ra, dec) AS x"),
    # images
    "SELECT obs_id, obs_collection, dataproduct_type, calib_level, access_format, access_estsize,"
    " s_ra, s_dec, s_fov, s_resolution, s_xel1, s_xel2, s_pixel_scale, t_min, t_max, t_exptime,"
    " t_xel, em_min, em_max, em_xel, pol_xel, o_ucd, facility_name FROM ivoa.obscore",
    *(_MEET.format(test) for test in (
        "INTERSECTS(s_region, CIRCLE(45, 41.81, 0.4))", "CONTAINS(POINT(45, 41.81), s_region)",
        "CONTAINS(s_region, CIRCLE(0, 0, 1.2))",
        "INTERSECTS(s_region, POLYGON(0, 86, 90, 87, 180, 85, 270, 86))",
    )),
    "SELECT obs_id FROM ivoa.obscore WHERE em_min < 5e-7 AND t_min > 60005",
]  # fmt: skip

# Both refuse.
REFUSED = [
    "SELECT nothing FROM astrid.objects",
    "SELECT ra FROM astrid.nothing",
    "SELEC ra FROM astrid.objects",
    "SELECT ra FROM astrid.objects; DROP TABLE astrid.objects",
    "DELETE FROM astrid.objects",
    "SELECT ra FROM astrid.objects WHERE ra = 'x'",
    "SELECT 1/0 AS x FROM astrid.objects",
    "SELECT TOP 1 SQRT(-1) AS x FROM astrid.objects",
    "SELECT ra FROM astrid.objects GROUP BY best_class",
    "SELECT object_id FROM astrid.objects AS o, astrid.detections AS d",
    "SELECT nofunction(ra) AS x FROM astrid.objects",
]

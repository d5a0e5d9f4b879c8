"""Functions about polygons on the sphere, for queries of the Virtual Observatory.

A polygon is a list of degrees, (ra, dec) after (ra, dec), joined by great circles; it must fit in
half the sky. Missing corners (NULL) mean that only the circle round an area is known: what asks
whether something meets it says true then, since the circle has been asked before.
"""

from django.db import migrations

SEPARATION = """
CREATE FUNCTION astrid_separation(ra1 float8, dec1 float8, ra2 float8, dec2 float8)
RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT degrees(2 * asin(sqrt(least(1.0::float8,
    power(sin(radians(dec2 - dec1) / 2), 2)
    + cos(radians(dec1)) * cos(radians(dec2)) * power(sin(radians(ra2 - ra1) / 2), 2)))))
$$
"""

CORNERS = """
CREATE FUNCTION astrid_corners(footprint jsonb)
RETURNS float8[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_agg(angle::float8 ORDER BY i, j)
  FROM jsonb_array_elements(CASE jsonb_typeof(footprint) WHEN 'array' THEN footprint END)
         WITH ORDINALITY AS corner(pair, i),
       jsonb_array_elements_text(pair) WITH ORDINALITY AS angles(angle, j)
$$
"""

SQUARE = """
CREATE FUNCTION astrid_square(ra float8, "dec" float8, half float8)
RETURNS float8[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  corners float8[] := '{}';
  h float8 := tan(radians(half));
  x float8; y float8; w float8; l float8;
  sides float8[] := ARRAY[-1, -1, 1, -1, 1, 1, -1, 1];
BEGIN
  -- the inverse of the projection from the centre onto a plane
  FOR k IN 0..3 LOOP
    x := h * sides[2*k+1]; y := h * sides[2*k+2];
    w := cos(radians("dec")) - y * sin(radians("dec"));
    l := degrees(atan2(x, w));
    corners := corners || ARRAY[
      ra + l - 360 * floor((ra + l) / 360),
      degrees(asin(least(1, greatest(-1,
        (sin(radians("dec")) + y * cos(radians("dec"))) / sqrt(1 + x*x + y*y)))))];
  END LOOP;
  RETURN corners;
END $$
"""

VECTORS = """
CREATE FUNCTION astrid_vectors(corners float8[])
RETURNS float8[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  made float8[] := '{}'; a float8; d float8;
BEGIN
  FOR k IN 0..array_length(corners, 1) / 2 - 1 LOOP
    a := radians(corners[2*k+1]); d := radians(corners[2*k+2]);
    made := made || ARRAY[cos(d) * cos(a), cos(d) * sin(a), sin(d)];
  END LOOP;
  RETURN made;
END $$
"""

# Seen from the middle of the sphere, great circles are straight lines on a plane: a ray from the
# point crosses the outline an odd number of times if the point is inside.
INSIDE = """
CREATE FUNCTION astrid_inside(corners float8[], ra float8, "dec" float8)
RETURNS boolean LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  v float8[]; n int; norm float8;
  cx float8 := 0; cy float8 := 0; cz float8 := 0;
  ex float8; ey float8; ez float8; fx float8; fy float8; fz float8;
  px float8; py float8; pz float8; w float8; u float8; t float8;
  u1 float8; t1 float8; u2 float8; t2 float8;
  odd boolean := false;
BEGIN
  IF corners IS NULL THEN RETURN true; END IF;
  v := astrid_vectors(corners); n := array_length(v, 1) / 3;
  FOR k IN 0..n-1 LOOP
    cx := cx + v[3*k+1]; cy := cy + v[3*k+2]; cz := cz + v[3*k+3];
  END LOOP;
  norm := sqrt(cx*cx + cy*cy + cz*cz);
  IF norm = 0 THEN RETURN false; END IF;
  cx := cx / norm; cy := cy / norm; cz := cz / norm;
  IF abs(cz) < 0.9 THEN ex := -cy; ey := cx; ez := 0; ELSE ex := 0; ey := -cz; ez := cy; END IF;
  norm := sqrt(ex*ex + ey*ey + ez*ez);
  ex := ex / norm; ey := ey / norm; ez := ez / norm;
  fx := cy*ez - cz*ey; fy := cz*ex - cx*ez; fz := cx*ey - cy*ex;
  px := cos(radians("dec")) * cos(radians(ra)); py := cos(radians("dec")) * sin(radians(ra));
  pz := sin(radians("dec"));
  w := px*cx + py*cy + pz*cz;
  IF w <= 0 THEN RETURN false; END IF;
  u := (px*ex + py*ey + pz*ez) / w; t := (px*fx + py*fy + pz*fz) / w;
  w := v[3*n-2]*cx + v[3*n-1]*cy + v[3*n]*cz;
  u1 := (v[3*n-2]*ex + v[3*n-1]*ey + v[3*n]*ez) / w;
  t1 := (v[3*n-2]*fx + v[3*n-1]*fy + v[3*n]*fz) / w;
  FOR k IN 0..n-1 LOOP
    w := v[3*k+1]*cx + v[3*k+2]*cy + v[3*k+3]*cz;
    u2 := (v[3*k+1]*ex + v[3*k+2]*ey + v[3*k+3]*ez) / w;
    t2 := (v[3*k+1]*fx + v[3*k+2]*fy + v[3*k+3]*fz) / w;
    IF (t1 > t) <> (t2 > t) AND u < (u2 - u1) * (t - t1) / (t2 - t1) + u1 THEN
      odd := NOT odd;
    END IF;
    u1 := u2; t1 := t2;
  END LOOP;
  RETURN odd;
END $$
"""

# To the nearest place of the outline: the foot on an arc where it lies on it, else its nearer end.
EDGE_DISTANCE = """
CREATE FUNCTION astrid_edge_distance(corners float8[], ra float8, "dec" float8)
RETURNS float8 LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  v float8[] := astrid_vectors(corners); n int := array_length(v, 1) / 3;
  px float8 := cos(radians("dec")) * cos(radians(ra));
  py float8 := cos(radians("dec")) * sin(radians(ra)); pz float8 := sin(radians("dec"));
  ax float8 := v[3*n-2]; ay float8 := v[3*n-1]; az float8 := v[3*n];
  bx float8; by_ float8; bz float8; nx float8; ny float8; nz float8; norm float8; s float8;
  nearest float8 := 180;
BEGIN
  FOR k IN 0..n-1 LOOP
    bx := v[3*k+1]; by_ := v[3*k+2]; bz := v[3*k+3];
    nearest := least(nearest, astrid_separation(ra, "dec", corners[2*k+1], corners[2*k+2]));
    nx := ay*bz - az*by_; ny := az*bx - ax*bz; nz := ax*by_ - ay*bx;
    norm := sqrt(nx*nx + ny*ny + nz*nz);
    IF norm > 0
       AND ((ny*az - nz*ay)*px + (nz*ax - nx*az)*py + (nx*ay - ny*ax)*pz) >= 0
       AND ((ny*bz - nz*by_)*px + (nz*bx - nx*bz)*py + (nx*by_ - ny*bx)*pz) <= 0 THEN
      s := (nx*px + ny*py + nz*pz) / norm;
      nearest := least(nearest, degrees(asin(least(1, abs(s)))));
    END IF;
    ax := bx; ay := by_; az := bz;
  END LOOP;
  RETURN nearest;
END $$
"""

FARTHEST = """
CREATE FUNCTION astrid_farthest(corners float8[], ra float8, "dec" float8)
RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT max(astrid_separation(ra, "dec", corners[2*k+1], corners[2*k+2]))
  FROM generate_series(0, array_length(corners, 1) / 2 - 1) AS k
$$
"""

CIRCLE_MEETS = """
CREATE FUNCTION astrid_circle_meets(corners float8[], ra float8, "dec" float8, radius float8)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT corners IS NULL OR astrid_inside(corners, ra, "dec")
    OR astrid_edge_distance(corners, ra, "dec") <= radius
$$
"""

CIRCLE_IN_POLYGON = """
CREATE FUNCTION astrid_circle_in_polygon(corners float8[], ra float8, "dec" float8, radius float8)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT corners IS NOT NULL AND astrid_inside(corners, ra, "dec")
    AND astrid_edge_distance(corners, ra, "dec") >= radius
$$
"""

OUTLINES_CROSS = """
CREATE FUNCTION astrid_outlines_cross(first float8[], second float8[])
RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  v float8[] := astrid_vectors(first); n int := array_length(v, 1) / 3;
  w float8[] := astrid_vectors(second); m int := array_length(w, 1) / 3;
  ax float8; ay float8; az float8; bx float8; by_ float8; bz float8;
  cx float8; cy float8; cz float8; dx float8; dy float8; dz float8;
  px float8; py float8; pz float8; qx float8; qy float8; qz float8;
  i int; j int;
BEGIN
  FOR k IN 0..n-1 LOOP
    i := (k + 1) % n;
    ax := v[3*k+1]; ay := v[3*k+2]; az := v[3*k+3];
    bx := v[3*i+1]; by_ := v[3*i+2]; bz := v[3*i+3];
    px := ay*bz - az*by_; py := az*bx - ax*bz; pz := ax*by_ - ay*bx;
    FOR l IN 0..m-1 LOOP
      j := (l + 1) % m;
      cx := w[3*l+1]; cy := w[3*l+2]; cz := w[3*l+3];
      dx := w[3*j+1]; dy := w[3*j+2]; dz := w[3*j+3];
      qx := cy*dz - cz*dy; qy := cz*dx - cx*dz; qz := cx*dy - cy*dx;
      IF (px*cx + py*cy + pz*cz) * (px*dx + py*dy + pz*dz) <= 0
         AND (qx*ax + qy*ay + qz*az) * (qx*bx + qy*by_ + qz*bz) <= 0
         AND (ax+bx)*(cx+dx) + (ay+by_)*(cy+dy) + (az+bz)*(cz+dz) > 0 THEN
        RETURN true;
      END IF;
    END LOOP;
  END LOOP;
  RETURN false;
END $$
"""

POLYGONS_MEET = """
CREATE FUNCTION astrid_polygons_meet(first float8[], second float8[])
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT first IS NULL OR second IS NULL
    OR astrid_inside(first, second[1], second[2]) OR astrid_inside(second, first[1], first[2])
    OR astrid_outlines_cross(first, second)
$$
"""

POLYGON_IN_POLYGON = """
CREATE FUNCTION astrid_polygon_in_polygon(inner_ float8[], outer_ float8[])
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT inner_ IS NOT NULL AND outer_ IS NOT NULL
    AND astrid_inside(outer_, inner_[1], inner_[2]) AND NOT astrid_outlines_cross(inner_, outer_)
$$
"""

SIGNATURES = {
    "astrid_separation(float8, float8, float8, float8)": SEPARATION,
    "astrid_corners(jsonb)": CORNERS,
    "astrid_square(float8, float8, float8)": SQUARE,
    "astrid_vectors(float8[])": VECTORS,
    "astrid_inside(float8[], float8, float8)": INSIDE,
    "astrid_edge_distance(float8[], float8, float8)": EDGE_DISTANCE,
    "astrid_farthest(float8[], float8, float8)": FARTHEST,
    "astrid_circle_meets(float8[], float8, float8, float8)": CIRCLE_MEETS,
    "astrid_circle_in_polygon(float8[], float8, float8, float8)": CIRCLE_IN_POLYGON,
    "astrid_outlines_cross(float8[], float8[])": OUTLINES_CROSS,
    "astrid_polygons_meet(float8[], float8[])": POLYGONS_MEET,
    "astrid_polygon_in_polygon(float8[], float8[])": POLYGON_IN_POLYGON,
}


class Migration(migrations.Migration):
    """Make the functions."""

    dependencies = [("catalog", "0017_lists_at_size")]

    operations = [
        migrations.RunSQL(text, f"DROP FUNCTION {signature}")
        for signature, text in SIGNATURES.items()
    ]

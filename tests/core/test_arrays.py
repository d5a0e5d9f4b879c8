"""Arrays survive the way into bytes and back, and damage is noticed."""

import struct

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.db import models
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from astrid.core.array_bytes import CODECS, DTYPES, RAW, SHUFFLE_ZLIB, decode, encode
from astrid.core.arrays import NumpyArrayField, as_array
from astrid.core.errors import CorruptFile

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=7)
ARRAYS = st.sampled_from(DTYPES).flatmap(lambda dtype: hnp.arrays(dtype, SHAPES))


def bits(array):
    return array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes()


@given(array=ARRAYS, codec=st.sampled_from(CODECS))
def test_every_array_comes_back_bit_for_bit(array, codec):
    back = decode(encode(array, codec))
    assert (back.dtype, back.shape, bits(back)) == (array.dtype, array.shape, bits(array))
    assert back.flags.writeable
    assert back.dtype.isnative


@given(payload=st.integers(1, 2**51 - 1), sign=st.booleans(), codec=st.sampled_from(CODECS))
def test_the_payload_and_sign_of_a_nan_survive(payload, sign, codec):
    word = np.array([payload | 0x7FF8 << 48 | sign << 63], np.uint64)
    assert decode(encode(word.view(np.float64), codec)).view(np.uint64)[0] == word[0]


@pytest.mark.parametrize("codec", CODECS)
def test_byte_order_and_strides_of_the_source_do_not_matter(codec):
    plain = np.arange(60, dtype=np.int32).reshape(5, 12)
    for odd in (plain.astype(">i4"), np.asfortranarray(plain), np.repeat(plain, 2, axis=1)[:, ::2]):
        np.testing.assert_array_equal(decode(encode(odd, codec)), plain)


def test_the_layout_is_what_the_module_says():
    stored = encode(np.array([1.0, 2.0]))
    assert stored[:8] == b"AsA1\x00\x00\x01\x00"
    assert struct.unpack_from("<q", stored, 16) == (2,)
    assert struct.unpack_from("<2d", stored, 24) == (1.0, 2.0)


def test_rounded_float32_shrinks_to_under_two_and_a_half_bytes_a_point():
    noise = np.random.default_rng(3).normal(1000, 5, 20_000)
    rounded = (np.round(noise * 64) / 64).astype(np.float32)
    assert len(encode(rounded, SHUFFLE_ZLIB)) / rounded.size < 2.5


@settings(max_examples=200)
@given(array=ARRAYS, codec=st.sampled_from(CODECS), data=st.data())
def test_any_flipped_bit_is_noticed(array, codec, data):
    stored = bytearray(encode(array, codec))
    place = data.draw(st.integers(0, 8 * len(stored) - 1))
    stored[place // 8] ^= 1 << place % 8
    with pytest.raises(CorruptFile):
        decode(bytes(stored))


@pytest.mark.parametrize("codec", CODECS)
def test_every_truncation_is_noticed(codec):
    stored = encode(np.arange(9.0), codec)
    for length in range(len(stored)):
        with pytest.raises(CorruptFile):
            decode(stored[:length])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda b: b[:5], "its header alone has 16"),
        (lambda b: b"FITS" + b[4:], "begins with b'FITS'"),
        (lambda b: b[:16] + b"\x07" + b[17:], "header has CRC"),
        (lambda b: b[:-1] + b"\x07", "payload has CRC"),
    ],
)
def test_the_message_names_the_part_that_is_wrong(damage, words):
    with pytest.raises(CorruptFile, match=words):
        decode(damage(encode(np.arange(3.0))))


@pytest.mark.parametrize("dtype", ["complex128", "uint8", "datetime64[s]", "U3"])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(ValueError, match="dtype is"):
        encode(np.zeros(3, dtype))


def test_an_unknown_codec_is_refused():
    with pytest.raises(ValueError, match="codec is 'lzma'"):
        encode(np.zeros(3), "lzma")


@pytest.mark.parametrize(
    ("value", "dtypes", "words"),
    [
        (np.zeros(3, np.float32), ("float64",), "dtype is float32; it must be float64"),
        (np.zeros((3, 2)), ("float64",), r"2 axes \(shape \(3, 2\)\); it must have 1"),
        ([1.5, 2.0], ("int64",), "cannot be kept as int64"),
        ([1, float("nan")], ("int32",), "cannot be kept as int32"),
        ([2**40], ("int32",), "cannot be kept as int32"),
        ("abc", ("float64",), "str is not a sequence of numbers"),
        ([None, 1.0], ("float64",), "list is not a sequence of numbers"),
        (3.0, ("float64",), "0 axes"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_the_reason(value, dtypes, words):
    with pytest.raises(ValueError, match=words):
        as_array(value, dtypes, 1)


def test_a_plain_sequence_becomes_the_first_dtype():
    assert as_array([1, 2, 3], ("float64", "float32"), 1).dtype == np.float64
    assert as_array([], ("int64",), 1).dtype == np.int64
    assert as_array((True, False), ("bool",), 1).dtype == np.bool_


class TestField:
    def field(self, **options):
        field = NumpyArrayField(**options)
        field.set_attributes_from_name("values")
        return field

    def test_it_names_its_arguments_for_migrations(self):
        field = self.field(dtypes=["int64"], ndim=2, codec=SHUFFLE_ZLIB, null=True)
        _, path, args, options = field.deconstruct()
        assert (path, args) == ("astrid.core.arrays.NumpyArrayField", [])
        assert options == {"dtypes": ("int64",), "ndim": 2, "codec": SHUFFLE_ZLIB, "null": True}
        assert NumpyArrayField(*args, **options).deconstruct()[1:] == (path, args, options)

    def test_it_has_no_default_but_none(self):
        assert self.field().get_default() is None
        assert self.field(default=lambda: np.zeros(2)).get_default().shape == (2,)

    def test_cleaning_gives_the_array_or_says_what_is_wrong(self):
        np.testing.assert_array_equal(self.field().clean([1.0, 2.0], None), [1.0, 2.0])
        with pytest.raises(ValidationError, match="values: dtype is int8"):
            self.field().clean(np.zeros(2, np.int8), None)
        with pytest.raises(ValidationError, match="cannot be null"):
            self.field(editable=True).clean(None, None)
        assert self.field(null=True, blank=True).clean(None, None) is None

    def test_expressions_pass_through_unchanged(self):
        expression = models.F("errors")
        assert self.field().get_prep_value(expression) is expression

    @pytest.mark.parametrize("options", [{"dtypes": ("uint8",)}, {"codec": "lzma"}])
    def test_a_system_check_refuses_what_cannot_be_stored(self, options):
        assert "arrays.E001" in [message.id for message in self.field(**options).check()]

    def test_raw_is_the_codec_unless_another_is_named(self):
        assert self.field().get_prep_value(np.zeros(2)) == encode(np.zeros(2), RAW)

"""Messages that must be refused, each with its status and words of its text."""
# SPDX-License-Identifier: Apache-2.0
import base64
import gzip
import struct
import zlib

import numpy as np
from grpc import StatusCode

from support import MEAN, MEDIAN, ROTATE, file_of, nl, noise, photo

BAD = StatusCode.INVALID_ARGUMENT


def image(data=b"", **fields):
    return nl.NLImage(data=data, **fields).SerializeToString()


def rotate(data=b"", rotation=1, **fields):
    return nl.NLImageRotateRequest(
        rotation=rotation,
        image=nl.NLImage(data=data, **fields)).SerializeToString()


def median(kernel, data=b"ab", width=2, height=1):
    return nl.NLImageMedianRequest(
        kernel=kernel, image=nl.NLImage(data=data, width=width, height=height)
    ).SerializeToString()


def chunk(kind, body):
    return (struct.pack(">I", len(body)) + kind + body
            + struct.pack(">I", zlib.crc32(kind + body)))


def png(width, height, depth=8, color=2, interlace=0, idat=b"", extra=b""):
    """A PNG with any header, whatever its rows are."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0,
                         interlace)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra
            + chunk(b"IDAT", zlib.compress(idat)) + chunk(b"IEND", b""))


def jpeg_of_size(width, height):
    """A JPEG whose header says any size."""
    data = bytearray(file_of(photo(16, 16), "JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5:at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def flipped(data, position):
    changed = bytearray(data)
    changed[position] ^= 0x10
    return bytes(changed)


def sizes():
    grey = b"g" * 12
    for width, height in ((0, 0), (-1, -1), (-3, 4), (3, -4), (0, 12), (12, 0),
                          (4, 4), (2147483647, 2147483647), (65536, 65536),
                          (-2147483648, -2147483648), (1, 2147483647),
                          (1 << 30, 4), (6, 1)):
        yield f"{width} x {height}", MEAN, image(grey, width=width,
                                                 height=height), "12 bytes"
    for extra in (-1, 1, 5):
        data = b"c" * (18 + extra)
        yield (f"colour of {18 + extra} bytes", MEAN,
               image(data, color=True, width=3, height=2), "18 bytes")
    yield "grey sent as colour", MEAN, image(grey, color=True, width=4,
                                             height=3), "36 bytes"
    yield "two bytes a sample", MEAN, image(b"s" * 24, width=4,
                                            height=3), "24 bytes"
    for channels in (-1, 5, 2147483647):
        yield (f"{channels} channels", MEAN,
               image(b"x" * 30, width=3, height=2, channels=channels),
               "1 to 4 channels")
    yield "nothing", MEAN, b"", "empty"
    yield "no data", MEAN, image(width=3, height=2), "empty"
    yield "rotate nothing", ROTATE, b"", "image.data"
    yield "rotate no image", ROTATE, nl.NLImageRotateRequest(
        rotation=1).SerializeToString(), "image.data"
    yield "median of nothing", MEDIAN, b"", "kernel"


def numbers():
    for rotation in (4, 5, 45, 89, 91, 360, -1, -90, 2147483647, -2147483648):
        yield (f"rotation {rotation}", ROTATE,
               rotate(b"ab", rotation, width=2, height=1), "rotation")
    for kernel in (0, 2, 4, 256, 257, -1, -3, 2147483647):
        yield f"kernel {kernel}", MEDIAN, median(kernel), "kernel"


def files():
    good = file_of(noise(40, 40, 3))
    for at in (9, 20, 33, 60, len(good) // 2, len(good) - 13, len(good) - 1):
        yield f"PNG cut at {at}", MEAN, image(good[:at]), ""
    photograph = file_of(photo(64, 64), "JPEG")
    for at in (4, 30, 200, len(photograph) // 2, len(photograph) - 3):
        yield f"JPEG cut at {at}", MEAN, image(photograph[:at]), ""
    progressive = file_of(photo(64, 64), "JPEG", progressive=True)
    yield "progressive JPEG cut", ROTATE, rotate(
        progressive[:len(progressive) // 2]), "damaged"
    for at in (13, 18, 24, 25, 28, 45, len(good) // 2):
        yield f"PNG with bit {at} flipped", MEAN, image(flipped(good, at)), ""
    yield "PNG without rows", MEAN, image(png(10, 10)), "row 0"
    yield "PNG with too few rows", MEAN, image(
        png(10, 10, idat=bytes(31) * 5)), "row 5"
    yield "PNG with a filter that is none", MEAN, image(
        png(10, 2, idat=b"\x09" + bytes(30) + b"\x09" + bytes(30))), "row"
    for depth, color in ((3, 0), (16, 3), (1, 2), (8, 5), (32, 0)):
        yield f"PNG of depth {depth}, colour {color}", MEAN, image(
            png(4, 4, depth, color, idat=bytes(100))), "header"
    yield "PNG palette without PLTE", MEAN, image(
        png(4, 4, 8, 3, idat=bytes(20))), ""
    yield "PNG of 0 x 4", MEAN, image(png(0, 4)), "header"
    yield "PNG of 50000 x 50000", MEAN, image(png(50000, 50000)), "limit"
    yield "PNG of 2^31 - 1", MEAN, image(png(2**31 - 1, 1)), "limit"
    yield "PNG of 2^32 - 1", MEAN, image(png(2**32 - 1, 2**32 - 1)), "header"
    yield "interlaced PNG of 20000 x 20000", MEAN, image(
        png(20000, 20000, 16, 6, interlace=1)), "limit"
    yield "PNG of many rows and nothing in them", MEAN, image(
        png(9000, 9000, 8, 2, idat=bytes(10_000_000))), "row"
    yield "JPEG of 65500 x 65500", MEAN, image(
        jpeg_of_size(65500, 65500)), "limit"
    yield "JPEG of 9000 x 9000, 64 bytes long", ROTATE, rotate(
        jpeg_of_size(9000, 9000)), "damaged"
    yield "JPEG of 0 x 0", MEAN, image(jpeg_of_size(0, 0)), "header"
    yield "start of a JPEG", MEAN, image(b"\xff\xd8\xff"), ""
    yield "start of a PNG", MEAN, image(b"\x89PNG\r\n\x1a\n"), ""
    yield "ICO", MEAN, image(file_of(photo(16, 16), "ICO")), "no image file"
    yield "PCX", ROTATE, rotate(file_of(photo(8, 8), "PCX")), "no image file"
    yield "text", MEAN, image(b"hello, server"), "no image file"
    yield "zeros", MEAN, image(bytes(1000)), "no image file"
    yield "base64 of text", MEAN, image(
        base64.b64encode(b"hello, server")), "no image file"
    yield "base64 of a cut PNG", MEAN, image(
        base64.b64encode(good[:200])), ""
    yield "base64 with rubbish at its end", MEAN, image(
        base64.b64encode(good) + b"!!!!"), "base64"


def wire():
    rng = np.random.default_rng(5)
    good = image(b"ab", width=2, height=1)
    yield "cut message", MEAN, good[:-1], "protobuf"
    yield "length past the end", MEAN, b"\x12\xff\xff\x03ab", "protobuf"
    yield "length of 2^63", MEAN, b"\x12" + b"\xff" * 8 + b"\x7f", "protobuf"
    yield "endless number", MEAN, b"\x18" + b"\xff" * 11, "protobuf"
    yield "a group", MEAN, b"\x0b\x0c", "protobuf"
    yield "field 0", MEAN, b"\x00\x00", "protobuf"
    yield "unknown kind of field", MEAN, b"\x0f\x00", "protobuf"
    yield "half a fixed number", MEAN, b"\x19\x00", "protobuf"
    yield "data as a number", MEAN, b"\x10\x05\x18\x02\x20\x01", "empty"
    yield "image as a number", ROTATE, b"\x08\x01\x10\x05", "image.data"
    yield "image cut inside", ROTATE, b"\x12\x04\x12\x09ab", "protobuf"
    for length in (1, 10, 100, 5000):
        # 0x07: a kind of field that does not exist.
        yield (f"{length} random bytes", MEAN,
               b"\x07" + rng.bytes(length), "protobuf")
    packed = gzip.compress(good)
    yield "cut gzip", MEAN, packed[:-5], "cut off"
    yield "gzip header alone", MEAN, packed[:10], "cut off"
    yield "damaged gzip", MEAN, flipped(packed, 12), ""
    yield "gzip with a wrong checksum", MEAN, flipped(packed, -6), "damaged"
    yield "gzip of nothing", MEAN, gzip.compress(b""), "empty"
    yield "gzip of rubbish", MEAN, gzip.compress(b"\x07rubbish"), "protobuf"
    yield "gzip bomb", MEAN, gzip.compress(
        gzip.compress(bytes(10)) + bytes(30_000_000), 9), ""


def all_cases():
    """(name, path, bytes, status, words) of every case."""
    for group in (sizes, numbers, files, wire):
        for name, path, message, words in group():
            yield name, path, message, BAD, words

"""A Python client of the NLImage contract, against numpy and Pillow."""
# SPDX-License-Identifier: Apache-2.0
import base64
import io
import unittest

import grpc
import numpy as np
import scipy.ndimage
from PIL import Image

import support
from support import (MEAN, MEDIAN, ROTATE, call, decode, file_of, mean_filter,
                     median_filter, nl, noise, photo, raw, samples)

SHAPES = [(1, 1), (1, 7), (9, 1), (2, 2), (37, 53), (128, 64)]


def rotate_request(image, rotation):
    return nl.NLImageRotateRequest(rotation=rotation, image=image)


class RawTest(support.ServerTestCase):
    def test_every_rotation_moves_samples_exactly(self):
        for height, width in SHAPES:
            for channels in (1, 3):
                array = noise(height, width, channels)
                for number, turns in ((0, 0), (1, 1), (2, 2), (3, 3),
                                      (90, 1), (180, 2), (270, 3)):
                    answer = call(self.channel, ROTATE,
                                  rotate_request(raw(array), number))
                    expected = np.rot90(array, turns)
                    self.assertEqual(answer.color, channels == 3)
                    np.testing.assert_array_equal(samples(answer), expected)

    def test_mean_is_clipped_and_truncated(self):
        for height, width in SHAPES:
            for channels in (1, 3):
                array = noise(height, width, channels, seed=2)
                answer = call(self.channel, MEAN, raw(array))
                np.testing.assert_array_equal(samples(answer),
                                              mean_filter(array))

    def test_mean_equals_scipy_inside(self):
        array = noise(60, 80, 1, seed=3)
        sums = scipy.ndimage.convolve(array.astype(np.int64),
                                      np.ones((3, 3), np.int64))
        answer = samples(call(self.channel, MEAN, raw(array)))
        np.testing.assert_array_equal(answer[1:-1, 1:-1],
                                      (sums // 9)[1:-1, 1:-1])

    def test_median_is_the_lower_median_of_what_exists(self):
        for kernel in (1, 3, 5, 21):
            for channels in (1, 3):
                array = noise(14, 19, channels, seed=4)
                answer = call(self.channel, MEDIAN,
                              nl.NLImageMedianRequest(image=raw(array),
                                                      kernel=kernel))
                np.testing.assert_array_equal(samples(answer),
                                              median_filter(array, kernel))

    def test_median_equals_scipy_inside(self):
        array = noise(40, 50, 1, seed=5)
        expected = scipy.ndimage.median_filter(array, 7)
        answer = samples(call(self.channel, MEDIAN, nl.NLImageMedianRequest(
            image=raw(array), kernel=7)))
        np.testing.assert_array_equal(answer[3:-3, 3:-3],
                                      expected[3:-3, 3:-3])

    def test_answers_are_requests(self):
        array = noise(31, 44, 3, seed=6)
        turned_first = call(self.channel, MEAN, call(
            self.channel, ROTATE, rotate_request(raw(array), 1)))
        mean_first = call(self.channel, ROTATE, rotate_request(
            call(self.channel, MEAN, raw(array)), 1))
        self.assertEqual(turned_first, mean_first)
        np.testing.assert_array_equal(samples(turned_first),
                                      mean_filter(np.rot90(array)))

    def test_channels_are_answered_if_sent(self):
        for channels in (1, 2, 3, 4):
            array = noise(9, 8, channels, seed=7)
            message = raw(array, channels=channels)
            answer = call(self.channel, ROTATE, rotate_request(message, 3))
            self.assertEqual(answer.channels, channels)
            np.testing.assert_array_equal(samples(answer, channels),
                                          np.rot90(array, 3))
        self.assertEqual(
            call(self.channel, MEAN, raw(noise(4, 4, 3))).channels, 0)

    def test_a_fourth_byte_is_dropped(self):
        array = noise(12, 10, 4, seed=8)
        answer = call(self.channel, MEAN, raw(array))
        np.testing.assert_array_equal(samples(answer),
                                      mean_filter(array[..., :3]))

    def test_gzip_requests_are_understood(self):
        array = np.zeros((200, 300, 3), np.uint8)
        array[50:90] = 77
        for algorithm in (grpc.Compression.Gzip, grpc.Compression.NoCompression):
            answer = call(self.channel, MEAN, raw(array),
                          compression=algorithm)
            np.testing.assert_array_equal(samples(answer), mean_filter(array))

    def test_what_is_small_only_when_compressed_is_held_to_the_limit(self):
        bomb = nl.NLImage(data=bytes(80 << 20), width=80 << 10, height=1 << 10)
        with support.Server("--max-message-size", "64MiB") as server, \
                server.channel() as channel:
            before = server.peak_bytes()
            error = support.refusal(channel, MEAN, bomb,
                                    compression=grpc.Compression.Gzip)
            self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertIn("limit", error.details())
            if not support.SANITIZED:
                self.assertLess(server.peak_bytes() - before, 100 << 20)

    def test_every_path_of_the_world_answers(self):
        array = noise(5, 6, 3, seed=9)
        for service in ("NLImageService", "image.NLImageService",
                        "io.github.patrickacheung.NLImageService"):
            answer = call(self.channel, f"/{service}/MeanFilter", raw(array))
            np.testing.assert_array_equal(samples(answer), mean_filter(array))
        for path in ("/ABImageService/RotateImage",
                     "/ProtoImgService/rotate_img",
                     "/image.NLImageService/RotateImage"):
            answer = call(self.channel, path, rotate_request(raw(array), 1))
            np.testing.assert_array_equal(samples(answer), np.rot90(array))
        answer = call(self.channel, "/ProtoImgService/moving_avg_filter",
                      raw(array))
        np.testing.assert_array_equal(samples(answer), mean_filter(array))

    def test_a_hundred_megabytes_go_through(self):
        array = np.tile(noise(1000, 1000, 3), (6, 6, 1))
        answer = call(self.channel, ROTATE, rotate_request(raw(array), 2))
        np.testing.assert_array_equal(samples(answer), array[::-1, ::-1])


class FileTest(support.ServerTestCase):
    def check_png(self, answer, expected):
        self.assertTrue(answer.data.startswith(b"\x89PNG"))
        got = decode(answer.data)
        self.assertEqual((answer.height, answer.width), expected.shape[:2])
        self.assertEqual(answer.color,
                         expected.ndim == 3 and expected.shape[2] >= 3)
        np.testing.assert_array_equal(got, expected)

    def test_png_of_every_kind_is_rotated_and_filtered(self):
        for channels in (1, 2, 3, 4):
            array = noise(33, 21, channels)
            data = file_of(array)
            for turns in range(4):
                self.check_png(
                    call(self.channel, ROTATE, rotate_request(
                        nl.NLImage(data=data), turns)), np.rot90(array, turns))
            self.check_png(call(self.channel, MEAN, nl.NLImage(data=data)),
                           mean_filter(array))

    def test_sixteen_bits_stay_sixteen_bits(self):
        array = noise(20, 31, 1, dtype=np.uint16)
        answer = call(self.channel, ROTATE, rotate_request(
            nl.NLImage(data=file_of(array)), 1))
        got = decode(answer.data)
        np.testing.assert_array_equal(got.astype(np.uint16), np.rot90(array))
        self.assertEqual(answer.data[24], 16)  # bit depth in IHDR

    def test_palettes_and_single_bits_are_expanded(self):
        array = photo(30, 40)
        palette = Image.fromarray(array).quantize(16)
        data = io.BytesIO()
        palette.save(data, "PNG")
        self.check_png(call(self.channel, ROTATE, rotate_request(
            nl.NLImage(data=data.getvalue()), 1)),
            np.rot90(np.asarray(palette.convert("RGB"))))
        bits = Image.fromarray(array[..., 0]).convert("1")
        data = io.BytesIO()
        bits.save(data, "PNG")
        self.check_png(call(self.channel, MEAN, nl.NLImage(
            data=data.getvalue())), mean_filter(np.asarray(bits.convert("L"))))

    def test_jpeg_is_answered_as_an_exact_png(self):
        for channels in (1, 3):
            for options in ({}, {"progressive": True}, {"subsampling": 0}):
                data = file_of(photo(61, 83, channels), "JPEG", quality=90,
                               **options)
                decoded = decode(data)
                self.check_png(call(self.channel, ROTATE, rotate_request(
                    nl.NLImage(data=data), 1)), np.rot90(decoded))
                self.check_png(call(self.channel, MEAN, nl.NLImage(data=data)),
                               mean_filter(decoded))

    def test_wrong_fields_beside_a_file_do_not_matter(self):
        array = photo(24, 36)
        for data, decoded in (
                (file_of(array), array),
                (file_of(array, "JPEG"), decode(file_of(array, "JPEG")))):
            for fields in ({"color": True}, {"width": 7, "height": 7},
                           {"width": -1, "height": -1, "color": True},
                           {"width": 36, "height": 24, "channels": 3}):
                answer = call(self.channel, MEAN, nl.NLImage(data=data,
                                                             **fields))
                self.check_png(answer, mean_filter(decoded))
                self.assertEqual(answer.channels, fields.get("channels", 0))

    def test_base64_is_answered_as_base64(self):
        array = photo(24, 36)
        for data in (file_of(array), file_of(array, "JPEG")):
            for text in (base64.b64encode(data), base64.encodebytes(data)):
                answer = call(self.channel, ROTATE, rotate_request(
                    nl.NLImage(data=text), 2))
                got = decode(base64.b64decode(answer.data))
                np.testing.assert_array_equal(got, decode(data)[::-1, ::-1])

    def test_orientation_is_applied_once(self):
        array = photo(40, 56)
        upright = {1: lambda a: a, 2: np.fliplr, 3: lambda a: np.rot90(a, 2),
                   4: np.flipud, 5: lambda a: a.transpose(1, 0, 2),
                   6: lambda a: np.rot90(a, 3),
                   7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
                   8: np.rot90}
        for tag, turn in upright.items():
            exif = Image.Exif()
            exif[0x0112] = tag
            data = file_of(array, "JPEG", exif=exif)
            answer = call(self.channel, ROTATE, rotate_request(
                nl.NLImage(data=data), 1))
            self.check_png(answer, np.rot90(turn(decode(data))))
            again = call(self.channel, ROTATE, rotate_request(answer, 3))
            np.testing.assert_array_equal(decode(again.data),
                                          turn(decode(data)))

    def test_a_large_jpeg_fits_clients_that_keep_the_default_limit(self):
        array = photo(2000, 3000)
        quality = 90
        while len(data := file_of(array, "JPEG", quality=quality)) > 900_000:
            quality -= 5
        decoded = decode(data)
        with self.server.channel(limit=None) as channel:
            turned = call(channel, ROTATE, rotate_request(
                nl.NLImage(data=data), 1))
            mean = call(channel, MEAN, nl.NLImage(data=data))
        self.assertEqual((turned.width, turned.height), (2000, 3000))
        difference = decode(turned.data).astype(int) - np.rot90(decoded)
        self.assertLess(np.abs(difference).mean(), 0.5)
        difference = decode(mean.data).astype(int) - mean_filter(decoded)
        self.assertLess(np.abs(difference).mean(), 1.5)

    def test_a_large_jpeg_is_turned_without_loss(self):
        # Whole blocks and full chroma: only the order of rounding may differ.
        decoded = None
        for quality in range(95, 50, -5):
            data = file_of(photo(2048, 3072), "JPEG", quality=quality,
                           subsampling=0)
            if len(data) < 3_000_000:
                decoded = decode(data)
                break
        for rotation in (1, 2, 3):
            answer = call(self.channel, ROTATE, rotate_request(
                nl.NLImage(data=data), rotation))
            self.assertEqual(answer.data[:2], b"\xff\xd8")
            difference = decode(answer.data).astype(int) - np.rot90(
                decoded, rotation)
            self.assertLessEqual(np.abs(difference).max(), 3)

    def test_a_png_near_the_default_limit_is_made_to_fit(self):
        # Two random bits a sample and rows that repeat: what takes little effort
        # is over 4 MiB, what takes more is not.
        rng = np.random.default_rng(3)
        array = np.repeat(rng.integers(0, 4, (1500, 2850, 3), np.uint8) * 80,
                          2, axis=0)
        with self.server.channel(limit=None) as channel:
            answer = call(channel, ROTATE, rotate_request(
                nl.NLImage(data=file_of(array)), 2))
        self.check_png(answer, np.rot90(array, 2))

    def test_a_large_png_stays_png(self):
        array = photo(1500, 1500)
        data = file_of(array)
        answer = call(self.channel, ROTATE, rotate_request(
            nl.NLImage(data=data), 1))
        self.check_png(answer, np.rot90(array))

    def test_profiles_are_kept(self):
        profile = bytes(Image.open(io.BytesIO(file_of(
            photo(8, 8), "JPEG", icc_profile=srgb()))).info["icc_profile"])
        for kind in ("PNG", "JPEG"):
            data = file_of(photo(16, 16), kind, icc_profile=profile)
            answer = call(self.channel, MEAN, nl.NLImage(data=data))
            kept = Image.open(io.BytesIO(answer.data)).info.get("icc_profile")
            self.assertEqual(kept, profile)


def srgb():
    from PIL import ImageCms
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


if __name__ == "__main__":
    unittest.main()

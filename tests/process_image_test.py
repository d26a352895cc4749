"""imageadapt.v1.ImageProcessingService, against numpy and Pillow."""
# SPDX-License-Identifier: Apache-2.0
import io
import struct
import unittest

import grpc
import numpy as np
from PIL import Image, ImageCms
from scipy import ndimage

import support
from support import (call, decode, file_of, mean_filter, median_filter, noise,
                     photo, refusal)

# pylint: disable=wrong-import-order
from imageadapt.v1 import image_processing_pb2 as v1
from imageadapt.v1 import operations_pb2 as ops
from imageadapt.v1 import rich_error_pb2 as rich

PROCESS = "/imageadapt.v1.ImageProcessingService/ProcessImage"


def request(data, *operations, **output):
    return v1.ProcessImageRequest(
        image=data, operations=operations,
        output=v1.OutputOptions(**output) if output else None)


def rotate(degrees, **fields):
    return ops.Operation(rotate=ops.Rotate(angle_degrees=degrees, **fields))


def swapped_profile(profile):
    """An RGB profile with the places of red's and blue's colours changed."""
    tags = {}
    count = int.from_bytes(profile[128:132], "big")
    for at in range(132, 132 + 12 * count, 12):
        tags[profile[at:at + 4]] = (at + 4, profile[at + 4:at + 12])
    swapped = bytearray(profile)
    for one, other in ((b"rXYZ", b"bXYZ"), (b"rTRC", b"bTRC")):
        for here, there in ((one, other), (other, one)):
            swapped[tags[here][0]:tags[here][0] + 8] = tags[there][1]
    return bytes(swapped)


MEAN3 = ops.Operation(mean_filter=ops.MeanFilter(
    kernel_width=3, rounding=ops.MeanFilter.ROUNDING_TRUNCATE))
FLIP = ops.Operation(flip=ops.Flip(axis=ops.Flip.AXIS_HORIZONTAL))


def dicom(array, window):
    """An explicit little-endian file of 16-bit grey, by hand."""
    def element(group, number, kind, value):
        value += b"\0" * (len(value) % 2)
        length = struct.pack("<HI", 0, len(value)) if kind == b"OW" \
            else struct.pack("<H", len(value))
        return struct.pack("<HH", group, number) + kind + length + value

    def short(number, value):
        return element(0x28, number, b"US", struct.pack("<H", value))

    return b"".join((
        bytes(128), b"DICM",
        element(2, 0x10, b"UI", b"1.2.840.10008.1.2.1"),
        element(0x10, 0x10, b"PN", b"Mustermann^Erika"),
        short(2, 1), element(0x28, 4, b"CS", b"MONOCHROME2 "),
        short(0x10, array.shape[0]), short(0x11, array.shape[1]),
        short(0x100, 16), short(0x101, 12), short(0x102, 11), short(0x103, 0),
        element(0x28, 0x1050, b"DS", b"%d" % window[0]),
        element(0x28, 0x1051, b"DS", b"%d" % window[1]),
        element(0x7fe0, 0x10, b"OW", array.astype("<u2").tobytes())))


class ProcessImageTest(support.ServerTestCase):
    def process(self, *arguments, **output):
        return call(self.channel, PROCESS, request(*arguments, **output),
                    reply=v1.ProcessImageResponse)

    def refuse(self, message):
        error = refusal(self.channel, PROCESS, message,
                        reply=v1.ProcessImageResponse)
        self.assertIsNotNone(error)
        return error

    def test_operations_run_in_order(self):
        array = noise(40, 60, 3)
        result = self.process(file_of(array), rotate(90), MEAN3, FLIP)
        expected = np.fliplr(mean_filter(np.rot90(array)))
        np.testing.assert_array_equal(decode(result.image), expected)
        self.assertEqual((result.width, result.height, result.channels),
                         (40, 60, 3))
        self.assertEqual(result.mime_type, "image/png")

    def test_larger_windows_and_nearest_rounding(self):
        array = noise(50, 40, 1)
        for size in (5, 11, 99):
            operation = ops.Operation(mean_filter=ops.MeanFilter(
                kernel_width=size,
                rounding=ops.MeanFilter.ROUNDING_TRUNCATE))
            np.testing.assert_array_equal(
                decode(self.process(file_of(array), operation).image),
                mean_filter(array, size))
        nearest = ops.Operation(mean_filter=ops.MeanFilter(kernel_width=3))
        # One more bit before truncating is half a step more exact.
        doubled = mean_filter(array.astype(np.int64) * 2)
        got = decode(self.process(file_of(array), nearest).image)
        np.testing.assert_array_equal(got, (doubled + 1) // 2)

    def test_any_angle_agrees_with_pillow(self):
        array = photo(200, 300)
        result = decode(self.process(file_of(array), rotate(30)).image)
        expected = np.asarray(Image.fromarray(array).rotate(
            30, Image.BILINEAR, expand=True))
        self.assertLessEqual(abs(result.shape[0] - expected.shape[0]), 2)
        self.assertLessEqual(abs(result.shape[1] - expected.shape[1]), 2)
        middle = tuple(size // 2 for size in result.shape[:2])
        theirs = tuple(size // 2 for size in expected.shape[:2])
        a = result[middle[0] - 80:middle[0] + 80,
                   middle[1] - 80:middle[1] + 80].astype(float)
        b = expected[theirs[0] - 80:theirs[0] + 80,
                     theirs[1] - 80:theirs[1] + 80].astype(float)
        # Pillow's canvas may lie half a pixel off ours.
        self.assertLess(np.abs(a - b).mean(), 4)
        self.assertTrue((result[0, 0] == 0).all())

    def test_borders_agree_with_scipy(self):
        array = noise(40, 31, 3)
        for border, mode in ((ops.BORDER_MODE_REPLICATE, "nearest"),
                             (ops.BORDER_MODE_REFLECT_101, "mirror")):
            for size in (3, 7, 15, 41):
                median = ops.Operation(median_filter=ops.MedianFilter(
                    kernel_width=size, border=border))
                expected = ndimage.median_filter(
                    array, size=(size, size, 1), mode=mode)
                np.testing.assert_array_equal(
                    decode(self.process(file_of(array), median).image),
                    expected)
                mean = ops.Operation(mean_filter=ops.MeanFilter(
                    kernel_width=size, border=border,
                    rounding=ops.MeanFilter.ROUNDING_TRUNCATE))
                sums = ndimage.convolve(
                    array.astype(np.int64), np.ones((size, size, 1), np.int64),
                    mode=mode)
                np.testing.assert_array_equal(
                    decode(self.process(file_of(array), mean).image),
                    sums // size ** 2)
            blur = ops.Operation(gaussian_blur=ops.GaussianBlur(
                sigma=2.5, border=border))
            expected = ndimage.gaussian_filter(
                array.astype(float), (2.5, 2.5, 0), mode=mode)
            got = decode(self.process(file_of(array), blur).image)
            self.assertLessEqual(np.abs(got - expected).max(), 0.51)

    def test_resize_agrees_with_pillow(self):
        array = photo(90, 120)
        for theirs, ours, sizes in (
                # Pillow rounds the edges of areas to whole pixels.
                (Image.BOX, ops.Resize.FILTER_AREA, ((40, 30), (240, 180))),
                (Image.BILINEAR, ops.Resize.FILTER_BILINEAR,
                 ((40, 30), (67, 91), (240, 200))),
                (Image.BICUBIC, ops.Resize.FILTER_BICUBIC,
                 ((40, 30), (67, 91), (240, 200))),
                (Image.LANCZOS, ops.Resize.FILTER_LANCZOS3,
                 ((40, 30), (67, 91), (240, 200)))):
            for size in sizes:
                operation = ops.Operation(resize=ops.Resize(
                    width=size[0], height=size[1], filter=ours))
                got = decode(self.process(file_of(array), operation).image)
                for channel in range(3):
                    # Of float samples, Pillow does not round between passes.
                    plane = Image.fromarray(
                        array[..., channel].astype(np.float32), "F")
                    expected = np.clip(plane.resize(size, theirs), 0, 255)
                    self.assertLessEqual(
                        np.abs(got[..., channel] - expected).max(), 0.91)

    def test_pixels_are_moved_as_numpy_moves_them(self):
        array = noise(20, 30, 3)
        transpose = ops.Operation(transpose=ops.Transpose())
        crop = ops.Operation(crop=ops.Crop(x=4, y=7, width=11, height=5))
        result = self.process(file_of(array), MEAN3, transpose, crop)
        expected = mean_filter(array).transpose(1, 0, 2)[7:12, 4:15]
        np.testing.assert_array_equal(decode(result.image), expected)

    def test_colours_are_converted(self):
        array = photo(30, 40)
        to_hsv = ops.Operation(convert_color=ops.ConvertColor(
            direction=ops.ConvertColor.DIRECTION_RGB_TO_HSV))
        to_rgb = ops.Operation(convert_color=ops.ConvertColor(
            direction=ops.ConvertColor.DIRECTION_HSV_TO_RGB))
        hsv = decode(self.process(file_of(array), to_hsv).image).astype(int)
        expected = np.asarray(Image.fromarray(array).convert("HSV")).astype(int)
        turn = np.abs(hsv - expected)[..., 0]
        # Pillow truncates where we round.
        self.assertLessEqual(np.minimum(turn, 256 - turn).max(), 2)
        self.assertLessEqual(np.abs(hsv - expected)[..., 1:].max(), 1)
        back = decode(self.process(file_of(array), to_hsv, to_rgb).image)
        self.assertLessEqual(np.abs(back.astype(int) - array).max(), 4)
        grey = ops.Operation(grayscale=ops.Grayscale())
        luma = array @ np.array([0.299, 0.587, 0.114])
        got = decode(self.process(file_of(array), grey).image)
        self.assertLessEqual(np.abs(got - luma).max(), 0.51)

    def test_filters_work_on_hue_saturation_and_value(self):
        array = photo(30, 40)
        median = ops.Operation(median_filter=ops.MedianFilter(
            kernel_width=5, color_space=ops.COLOR_SPACE_HSV, channels=[2]))
        got = decode(self.process(file_of(array), median).image)
        # The value of HSV is the greatest sample of a pixel.
        np.testing.assert_array_equal(
            got.max(axis=2), median_filter(array.max(axis=2), 5))

    def test_edges_are_gradients(self):
        array = photo(30, 40, 1)
        edges = ops.Operation(detect_edges=ops.DetectEdges())
        got = decode(self.process(file_of(array), edges).image)
        flat = array.reshape(30, 40).astype(float)
        expected = np.minimum(255, np.hypot(
            ndimage.sobel(flat, 0, mode="nearest"),
            ndimage.sobel(flat, 1, mode="nearest")))
        self.assertLessEqual(np.abs(got.reshape(30, 40) - expected).max(), 0.51)

    def test_formats_are_converted_and_kept(self):
        jpeg = file_of(photo(30, 40), "JPEG")
        self.assertEqual(self.process(jpeg).mime_type, "image/jpeg")
        png = self.process(jpeg, mime_type="image/png")
        np.testing.assert_array_equal(decode(png.image), decode(jpeg))
        small = self.process(file_of(photo(300, 400)),
                             mime_type="image/jpeg", quality=20)
        large = self.process(file_of(photo(300, 400)),
                             mime_type="image/jpeg", quality=95)
        self.assertLess(len(small.image), len(large.image))
        self.assertEqual(Image.open(io.BytesIO(small.image)).size, (400, 300))

    def test_every_frame_of_an_animation_is_processed(self):
        arrays = np.split(noise(60, 30, 3), 3)
        data = io.BytesIO()
        Image.fromarray(arrays[0]).save(
            data, "PNG", save_all=True, duration=70,
            append_images=[Image.fromarray(array) for array in arrays[1:]])
        data = data.getvalue()
        result = self.process(data, rotate(90))
        self.assertEqual(result.frames, 3)
        with Image.open(io.BytesIO(result.image)) as image:
            self.assertEqual(image.n_frames, 3)
            for i, array in enumerate(arrays):
                image.seek(i)
                np.testing.assert_array_equal(
                    np.asarray(image.convert("RGB")), np.rot90(array))
                self.assertEqual(image.info["duration"], 70)
        for mime_type, frames in (("image/png", v1.OutputOptions.FRAMES_FIRST),
                                  ("image/bmp",
                                   v1.OutputOptions.FRAMES_UNSPECIFIED)):
            result = self.process(data, rotate(90), mime_type=mime_type,
                                  frames=frames)
            self.assertEqual(result.frames, 1)
            np.testing.assert_array_equal(decode(result.image),
                                          np.rot90(arrays[0]))
        error = self.refuse(request(
            data, mime_type="image/bmp", frames=v1.OutputOptions.FRAMES_ALL))
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("output.frames", error.details())
        error = self.refuse(request(data, frames=9))
        self.assertIn("output.frames", error.details())

    def test_colours_become_srgb_on_request(self):
        array = noise(20, 30, 3)
        wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
        srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
        data = io.BytesIO()
        # A profile for RGB whose colours are not those of sRGB.
        swapped = swapped_profile(srgb.tobytes())
        Image.fromarray(array).save(data, "PNG", icc_profile=swapped)
        data = data.getvalue()
        kept = Image.open(io.BytesIO(self.process(data, FLIP).image))
        self.assertEqual(kept.info["icc_profile"], swapped)
        np.testing.assert_array_equal(np.asarray(kept), np.fliplr(array))
        dropped = Image.open(io.BytesIO(self.process(
            data, FLIP,
            metadata_policy=v1.OutputOptions.METADATA_POLICY_DROP_ALL).image))
        self.assertNotIn("icc_profile", dropped.info)
        np.testing.assert_array_equal(np.asarray(dropped), np.fliplr(array))
        result = Image.open(io.BytesIO(self.process(
            data, FLIP, color=v1.OutputOptions.COLOR_SRGB).image))
        self.assertNotIn("icc_profile", result.info)
        expected = ImageCms.profileToProfile(
            Image.fromarray(np.fliplr(array)),
            ImageCms.ImageCmsProfile(io.BytesIO(swapped)), srgb,
            renderingIntent=1, flags=0x2000)
        np.testing.assert_allclose(np.asarray(result).astype(int),
                                   np.asarray(expected).astype(int), atol=1)
        # Red and blue have changed places.
        np.testing.assert_allclose(np.asarray(result).astype(int),
                                   np.fliplr(array)[..., ::-1], atol=2)
        data = io.BytesIO()
        Image.fromarray(array).save(data, "PNG", icc_profile=wide.tobytes())
        error = self.refuse(request(data.getvalue(),
                                    color=v1.OutputOptions.COLOR_SRGB))
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("output.color", error.details())

    def test_orientation_may_be_ignored(self):
        array = noise(16, 32, 3)
        exif = Image.Exif()
        exif[0x0112] = 6
        data = io.BytesIO()
        Image.fromarray(array).save(data, "PNG", exif=exif)
        data = data.getvalue()
        upright = decode(self.process(data, mime_type="image/png").image)
        np.testing.assert_array_equal(upright, np.rot90(array, -1))
        message = request(data, rotate(90), mime_type="image/png")
        message.orientation_policy = \
            v1.ProcessImageRequest.ORIENTATION_POLICY_IGNORE
        result = call(self.channel, PROCESS, message,
                      reply=v1.ProcessImageResponse)
        np.testing.assert_array_equal(decode(result.image), np.rot90(array))
        # Without loss, too: a JPEG of whole blocks.
        jpeg = file_of(photo(64, 32), "JPEG", quality=90, exif=exif,
                       subsampling=0)
        message = request(jpeg, rotate(90))
        message.orientation_policy = \
            v1.ProcessImageRequest.ORIENTATION_POLICY_IGNORE
        result = call(self.channel, PROCESS, message,
                      reply=v1.ProcessImageResponse)
        np.testing.assert_allclose(
            decode(result.image).astype(int),
            np.rot90(np.asarray(Image.open(io.BytesIO(jpeg)))), atol=4)
        for change in ({"color": 9}, {"metadata_policy": 9}):
            (name, _), = change.items()
            self.assertIn("output." + name,
                          self.refuse(request(data, **change)).details())
        message = request(data)
        message.dicom.grey = 9
        self.assertIn("dicom.grey", self.refuse(message).details())
        message.dicom.grey = v1.DicomOptions.GREY_WINDOW
        self.assertIn("dicom.window_width", self.refuse(message).details())
        message = request(data)
        message.orientation_policy = 9
        self.assertIn("orientation_policy", self.refuse(message).details())

    def test_dicom_is_windowed_and_nothing_of_the_patient_goes_on(self):
        array = noise(16, 24, 1, dtype=np.uint16) % 4096
        data = dicom(array, (1000, 801))
        message = request(data, mime_type="image/png")
        error = refusal(self.channel, PROCESS, message,
                        reply=v1.ProcessImageResponse)
        if error is not None and error.code() == grpc.StatusCode.UNIMPLEMENTED:
            self.skipTest("this build lacks DICOM")
        stored = self.process(data, rotate(90), mime_type="image/png").image
        np.testing.assert_array_equal(decode(stored), np.rot90(array))
        shown = np.clip((array - 999.5) / 800 + 0.5, 0, 1) * 65535
        message.dicom.grey = v1.DicomOptions.GREY_WINDOW_OF_FILE
        result = call(self.channel, PROCESS, message,
                      reply=v1.ProcessImageResponse)
        np.testing.assert_array_equal(decode(result.image),
                                      np.floor(shown + 0.5))
        self.assertIn(b"Mustermann", data)
        for kind in ("png", "tiff", "jp2", "x-portable-anymap"):
            message.output.mime_type = "image/" + kind
            try:
                result = call(self.channel, PROCESS, message,
                              reply=v1.ProcessImageResponse)
            except grpc.RpcError as refused:
                self.assertEqual(refused.code(),
                                 grpc.StatusCode.UNIMPLEMENTED)
                continue
            self.assertNotIn(b"Mustermann", result.image)
            self.assertNotIn(b"Erika", result.image)

    def test_sixteen_bits_go_all_the_way(self):
        array = noise(30, 40, 1, dtype=np.uint16)
        got = decode(self.process(file_of(array), rotate(90)).image)
        np.testing.assert_array_equal(got.astype(np.uint16), np.rot90(array))

    def test_refusals_name_the_field_for_programs(self):
        data = file_of(noise(4, 4, 3))
        for message, field in (
                (request(b""), "image"),
                (request(data, ops.Operation()), "operations[0].kind"),
                (request(data, MEAN3, ops.Operation(
                    median_filter=ops.MedianFilter(kernel_width=4))),
                 "operations[1].median_filter.kernel_width"),
                (request(data, rotate(float("inf"))),
                 "operations[0].rotate.angle_degrees"),
                (request(data, *[FLIP] * 17), "operations"),
                (request(data, ops.Operation(crop=ops.Crop(
                    x=2, width=3, height=1))), "operations[0].crop.width"),
                (request(data, mime_type="image/x-unknown"),
                 "output.mime_type"),
                (request(data, quality=101), "output.quality"),
                (request(file_of(noise(4, 4, 4)), mime_type="image/jpeg"),
                 "output.mime_type")):
            error = self.refuse(message)
            self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertTrue(error.details().startswith(field + ": "),
                            error.details())
            details = dict(error.trailing_metadata())
            status = rich.RichStatus.FromString(
                details["grpc-status-details-bin"])
            self.assertEqual(status.message, error.details())
            info = rich.ErrorInfo.FromString(status.details[0].value)
            self.assertEqual((info.reason, info.domain),
                             ("BAD_FIELD", "imageadapt"))
            bad = rich.BadRequest.FromString(status.details[1].value)
            self.assertEqual(bad.field_violations[0].field, field)

    def test_damage_and_unknown_formats_have_their_reasons(self):
        good = file_of(noise(40, 40, 3))
        for data, reason in ((good[:500], "IMAGE_DAMAGED"),
                             (b"nothing", "UNKNOWN_FORMAT")):
            error = self.refuse(request(data))
            status = rich.RichStatus.FromString(
                dict(error.trailing_metadata())["grpc-status-details-bin"])
            info = rich.ErrorInfo.FromString(status.details[0].value)
            self.assertEqual(info.reason, reason)


if __name__ == "__main__":
    unittest.main()

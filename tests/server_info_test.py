"""imageadapt.v1.ServerInfoService."""
# SPDX-License-Identifier: Apache-2.0
import unittest

import grpc

import support
from support import call, file_of, noise, refusal

# pylint: disable=wrong-import-order
from imageadapt.v1 import image_processing_pb2 as v1
from imageadapt.v1 import operations_pb2 as ops
from imageadapt.v1 import server_info_pb2 as info_pb2

GET = "/imageadapt.v1.ServerInfoService/GetServerInfo"
PROCESS = "/imageadapt.v1.ImageProcessingService/ProcessImage"


class ServerInfoTest(support.ServerTestCase):
    server_flags = ("--max-pixels", "12345", "--workers", "2", "--max-queued", "5",
                    "--max-wait", "1500ms")

    def info(self):
        return call(self.channel, GET, info_pb2.GetServerInfoRequest(),
                    reply=info_pb2.GetServerInfoResponse)

    def test_tells_what_was_set(self):
        info = self.info()
        self.assertRegex(info.version, r"^\d+\.\d+\.\d+")
        self.assertIn(info.simd_target,
                      ("SCALAR", "SSE4", "AVX2", "AVX3_DL"))
        limits = info.limits
        self.assertEqual(
            (limits.max_pixels, limits.workers, limits.max_queued,
             limits.max_wait.ToMilliseconds()), (12345, 2, 5, 1500))
        self.assertGreater(limits.memory_budget_bytes, 0)
        self.assertGreater(limits.max_message_bytes, 0)
        self.assertEqual(set(info.operations),
                         {field.name for field in ops.Operation.DESCRIPTOR
                          .oneofs_by_name["kind"].fields})

    def test_every_format_is_written_as_it_says(self):
        image = file_of(noise(9, 7, 3))
        formats = {each.name: each for each in self.info().formats}
        self.assertIn("PNG", formats)
        self.assertIn("JPEG", formats)
        for each in formats.values():
            self.assertTrue(each.extensions)
            message = v1.ProcessImageRequest(
                image=image,
                output=v1.OutputOptions(mime_type=each.mime_type))
            with self.subTest(format=each.name):
                if info_pb2.SAMPLE_TYPE_U8 not in each.written_types:
                    self.assertIsNotNone(refusal(
                        self.channel, PROCESS, message,
                        reply=v1.ProcessImageResponse))
                    continue
                result = call(self.channel, PROCESS, message,
                              reply=v1.ProcessImageResponse)
                self.assertEqual(result.mime_type, each.mime_type)
                if info_pb2.SAMPLE_TYPE_U8 not in each.read_types:
                    continue
                again = call(
                    self.channel, PROCESS, v1.ProcessImageRequest(
                        image=result.image,
                        output=v1.OutputOptions(mime_type="image/png")),
                    reply=v1.ProcessImageResponse)
                self.assertEqual((again.width, again.height), (7, 9))

    def test_what_is_no_request_is_refused(self):
        with self.assertRaises(grpc.RpcError) as raised:
            self.channel.unary_unary(GET)(b"\xff\xff\xff", timeout=10)
        self.assertEqual(raised.exception.code(),
                         grpc.StatusCode.INVALID_ARGUMENT)


if __name__ == "__main__":
    unittest.main()

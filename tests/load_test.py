"""Overload and bad behaviour: the server stays calm, quick to refuse, small."""
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import threading
import time
import unittest

import grpc
import numpy as np

import support
from deaf_peer import DeafPeer
from support import MEAN, ROTATE, call, nl, noise, raw, samples, wait_until

CLIENTS = 200
MAX_WAIT_SECONDS = 5
MIB = 1 << 20


class OverloadTest(unittest.TestCase):
    def test_200_clients_with_1080p_images(self):
        budget = 256 * MIB
        array = noise(1080, 1920, 3)
        message = nl.NLImageRotateRequest(
            rotation=1, image=raw(array)).SerializeToString()
        expected = np.rot90(array).tobytes()
        with support.Server("--memory-budget", "256MiB", "--max-wait",
                            f"{MAX_WAIT_SECONDS}s") as server:
            empty = server.resident_bytes()
            results = self.storm(server, message, expected)
            peak = server.peak_bytes() - empty
            self.check_calm(server)
        answered = [seconds for code, seconds in results
                    if code == grpc.StatusCode.OK]
        refused = [seconds for code, seconds in results
                   if code == grpc.StatusCode.RESOURCE_EXHAUSTED]
        print(f"{len(answered)} answered, p99 "
              f"{np.percentile(answered, 99):.2f} s; {len(refused)} refused; "
              f"peak {peak / MIB:.0f} MiB of {budget / MIB:.0f} MiB")
        self.assertEqual(len(answered) + len(refused), CLIENTS)
        # At least as many as there are places.
        self.assertGreaterEqual(len(answered), 10)
        if not support.SANITIZED:
            self.assertLess(peak, budget)

    def storm(self, server, message, expected):
        start = threading.Barrier(CLIENTS)

        def client(_):
            with server.channel() as channel:
                method = channel.unary_unary(
                    ROTATE, response_deserializer=nl.NLImage.FromString)
                start.wait(support.LIMIT_SECONDS)
                began = time.monotonic()
                try:
                    answer = method(message, timeout=support.LIMIT_SECONDS)
                    self.assertEqual(answer.data, expected)
                    code = grpc.StatusCode.OK
                except grpc.RpcError as error:
                    code = error.code()
                    trailers = dict(error.trailing_metadata())
                    self.assertGreater(
                        int(trailers["grpc-retry-pushback-ms"]), 0)
                return code, time.monotonic() - began

        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            return list(pool.map(client, range(CLIENTS)))

    def check_calm(self, server):
        array = noise(10, 10, 3)
        with server.channel() as channel:
            answer = call(channel, ROTATE, nl.NLImageRotateRequest(
                rotation=2, image=raw(array)))
        np.testing.assert_array_equal(samples(answer), np.rot90(array, 2))


class SlowPeersTest(unittest.TestCase):
    """Phases have short limits here, so that the tests need not wait long."""

    def test_uploads_that_stall_are_ended_and_others_are_served(self):
        with support.Server("--workers", "1", "--max-queued", "3",
                            "--upload-timeout", "1s") as server, \
                server.channel() as channel:
            release = threading.Event()

            def stall():
                release.wait(support.LIMIT_SECONDS)
                yield b""

            stalled = [channel.stream_unary(MEAN).future(stall())
                       for _ in range(4)]
            array = raw(noise(5, 5, 1))
            wait_until(lambda: support.refusal(channel, MEAN, array) is None,
                       "a place is free again")
            codes = [each.code() for each in stalled]
            self.assertIn(grpc.StatusCode.DEADLINE_EXCEEDED, codes)
            # One of our own calls may have come before the last of them.
            self.assertLessEqual(set(codes), {
                grpc.StatusCode.DEADLINE_EXCEEDED,
                grpc.StatusCode.RESOURCE_EXHAUSTED})
            release.set()

    def test_replies_that_nobody_reads_are_thrown_away(self):
        size = 3000
        message = raw(noise(size, size, 3)).SerializeToString()
        with support.Server("--download-timeout", "1s", "--max-queued", "50",
                            "--memory-budget", "1GiB") as server:
            before = server.resident_bytes()
            peers = [DeafPeer(server.address, message) for _ in range(4)]
            for peer in peers:
                peer.start()
            for peer in peers:
                peer.join(support.LIMIT_SECONDS)
                self.addCleanup(peer.close)
            wait_until(lambda: server.logged().count("DEADLINE_EXCEEDED") == 4,
                       "all downloads were ended")
            if not support.SANITIZED:
                wait_until(lambda: server.resident_bytes() < before + 20 * MIB,
                           "their memory is free")

    def test_clients_that_leave_while_sending_hold_nothing(self):
        array = noise(2000, 2000, 3)
        message = raw(array).SerializeToString()
        with support.Server("--workers", "1", "--max-queued", "2") as server:
            for _ in range(20):
                peer = DeafPeer(server.address, message)
                peer.send_part(1 << 20)
                peer.close()
            with server.channel() as channel:
                small = raw(noise(5, 5, 1))
                wait_until(
                    lambda: support.refusal(channel, MEAN, small) is None,
                    "places are free again")


if __name__ == "__main__":
    unittest.main()

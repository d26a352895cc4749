"""The server program as its operators run it."""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import grpc
import numpy as np

import support
from deaf_peer import DeafPeer
from support import MEAN, MEDIAN, call, mean_filter, nl, noise, raw, refusal
from support import samples, wait_until

# pylint: disable=wrong-import-order
from grpc_health_checks import CHECK, HealthRequest, HealthResponse, WATCH
from grpc_health_checks import list_services


def run_server(*flags):
    return subprocess.run([support.SERVER, *flags], capture_output=True,
                          text=True, timeout=support.LIMIT_SECONDS,
                          check=False)


class FlagsTest(unittest.TestCase):
    def fails(self, code, words, *flags):
        done = run_server(*flags)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, r"\Aimageadapt-server: [^\n]*\n\Z")
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_help_and_version(self):
        done = run_server("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for flag in ("--host", "--port", "--tls-cert", "--memory-budget",
                     "--drain-timeout", "--log-format"):
            self.assertIn(flag, done.stdout)
        done = run_server("--version")
        self.assertTrue(re.fullmatch(r"imageadapt-server \d+\.\d+\.\d+\n",
                                     done.stdout))

    def test_wrong_flags_end_it_with_one_line(self):
        self.fails(2, "--port", "--port", "many")
        self.fails(2, "--bogus", "--bogus")
        self.fails(2, "--host", "--host", "")
        self.fails(2, "not known", "--host", "no such host")
        self.fails(2, "memory budget", "--memory-budget", "1")
        self.fails(2, "both", "--tls-cert", "a.pem")
        self.fails(2, "cannot read", "--tls-cert", "no.pem", "--tls-key",
                   "no.pem")

    def test_plaintext_stays_on_this_machine_unless_allowed(self):
        for host in ("0.0.0.0", "::", "[::]"):
            self.fails(2, "--insecure", "--host", host, "--port", "0")
        with support.Server("--insecure", host="0.0.0.0") as server:
            self.assertTrue(server.address.startswith("0.0.0.0:"))

    def test_a_port_that_is_taken(self):
        with support.Server() as server:
            port = server.address.rsplit(":", 1)[1]
            self.fails(1, "cannot listen", "--port", port)


class AddressTest(unittest.TestCase):
    def check(self, server):
        array = noise(7, 9, 3)
        with server.channel() as channel:
            np.testing.assert_array_equal(
                samples(call(channel, MEAN, raw(array))), mean_filter(array))

    def test_names_and_addresses_of_both_families(self):
        for host in ("localhost", "127.0.0.1"):
            with support.Server(host=host) as server:
                self.check(server)
        if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
            print("this machine has no IPv6: not tried")
            return
        for host in ("::1", "[::1]"):
            with support.Server(host=host) as server:
                self.assertTrue(server.address.startswith("[::1]:"))
                self.check(server)

    def test_a_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"unix:{folder}/socket"
            with support.Server(host=path) as server:
                self.assertEqual(server.address, path)
                self.check(server)
                done = run_server("--host", path)
                self.assertEqual(done.returncode, 1)
                self.assertIn("another server answers", done.stderr)
                self.check(server)


class StandardServicesTest(support.ServerTestCase):
    def test_health_is_answered_by_name(self):
        for name in ("", "NLImageService",
                     "imageadapt.v1.ImageProcessingService",
                     "imageadapt.v1.ServerInfoService"):
            answer = call(self.channel, CHECK, HealthRequest(service=name),
                          reply=HealthResponse)
            self.assertEqual(answer.status, HealthResponse.SERVING)
        error = refusal(self.channel, CHECK, HealthRequest(service="x"),
                        reply=HealthResponse)
        self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)

    def test_reflection_lists_all_services(self):
        self.assertEqual(set(list_services(self.channel)), {
            "NLImageService", "imageadapt.v1.ImageProcessingService",
            "imageadapt.v1.ServerInfoService", "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection"})

    def test_small_calls_refuse_what_they_do_not_take_in_words(self):
        long = HealthRequest(service="x" * 70_000)
        for path in (CHECK, WATCH):
            refusals = [(long, {}, "65536"), (b"\x0f", {}, "protobuf"),
                        (HealthRequest(service="x" * 3000),
                         {"compression": grpc.Compression.Gzip},
                         "compressed")]
            for request, options, words in refusals:
                error = refusal(self.channel, path, request,
                                reply=HealthResponse, **options)
                self.assertIn(words, error.details())
            with self.assertRaises(grpc.RpcError) as failure:
                self.channel.stream_unary(path)(
                    iter(()), timeout=support.LIMIT_SECONDS)
            self.assertEqual(failure.exception.details(),
                             "the call has no message")
        answer = call(self.channel, CHECK, HealthRequest(),
                      reply=HealthResponse)
        self.assertEqual(answer.status, HealthResponse.SERVING)


class StopTest(unittest.TestCase):
    def test_calls_in_flight_finish_and_health_says_not_serving(self):
        with support.Server("--log-level", "debug") as server, \
                server.channel() as channel:
            statuses = []
            watch = channel.unary_stream(
                WATCH, request_serializer=HealthRequest.SerializeToString,
                response_deserializer=HealthResponse.FromString)(
                    HealthRequest(), timeout=support.LIMIT_SECONDS)
            statuses.append(next(watch).status)
            array = noise(700, 900, 1)
            slow = channel.unary_unary(
                MEDIAN,
                request_serializer=nl.NLImageMedianRequest.SerializeToString,
                response_deserializer=nl.NLImage.FromString).future(
                    nl.NLImageMedianRequest(image=raw(array), kernel=101),
                    timeout=support.LIMIT_SECONDS)
            # The call is inside once a second one with the same size is.
            call(channel, MEAN, raw(noise(3, 3, 1)))
            server.process.terminate()
            try:
                for each in watch:
                    statuses.append(each.status)
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
            self.assertEqual(statuses, [HealthResponse.SERVING,
                                        HealthResponse.NOT_SERVING])
            self.assertEqual(slow.result().width, 900)
            self.assertEqual(
                server.process.wait(timeout=support.LIMIT_SECONDS), 0)
            self.assertIn("stopping", server.logged())

    def test_replies_reach_callers_behind_slow_links(self):
        # The server is done with a reply long before the caller has all of it.
        # The caller's acknowledgements then must not find a closed connection.
        with support.Server() as server, \
                support.SlowLink(server, 200_000) as link, \
                server.channel(address=link.address, **{
                    "grpc.http2.lookahead_bytes": 8 << 20}) as channel:
            call(channel, MEAN, raw(noise(3, 3, 1)))
            array = noise(400, 1000, 1)
            slow = channel.unary_unary(
                MEDIAN,
                request_serializer=nl.NLImageMedianRequest.SerializeToString,
                response_deserializer=nl.NLImage.FromString).future(
                    nl.NLImageMedianRequest(image=raw(array), kernel=101),
                    timeout=support.LIMIT_SECONDS)
            call(channel, MEAN, raw(noise(3, 3, 1)))
            server.process.terminate()
            self.assertEqual(slow.result().width, 1000)
            self.assertEqual(
                server.process.wait(timeout=support.LIMIT_SECONDS), 0)

    def test_the_limit_ends_calls_that_do_not_finish(self):
        message = raw(noise(1500, 1500, 1)).SerializeToString()
        with support.Server("--drain-timeout", "200ms", "--log-level",
                            "debug") as server:
            peer = DeafPeer(server.address, message)
            self.addCleanup(peer.close)
            peer.send_part(1 << 20)
            server.process.terminate()
            self.assertEqual(
                server.process.wait(timeout=support.LIMIT_SECONDS), 0)
            self.assertRegex(server.logged(), "MeanFilter .* CANCELLED")


class LogTest(unittest.TestCase):
    def test_json_lines_are_json_whatever_callers_send(self):
        with support.Server("--log-format", "json", "--log-level",
                            "debug") as server, server.channel() as channel:
            call(channel, MEAN, raw(noise(3, 3, 1)))
            refusal(channel, MEAN, b"\x07")
            refusal(channel, '/quote"/back\\slash', b"")
            wait_until(lambda: server.logged().count("\n") >= 4, "log lines")
            entries = [json.loads(line)
                       for line in server.logged().splitlines()]
        calls = [entry for entry in entries if entry["event"] == "call"]
        # Calls end, and are logged, on several threads.
        by_code = {entry["code"]: entry for entry in calls}
        self.assertEqual(sorted(by_code), ["INVALID_ARGUMENT", "OK",
                                           "UNIMPLEMENTED"])
        self.assertEqual(by_code["INVALID_ARGUMENT"]["reason"], "BAD_MESSAGE")
        self.assertEqual(by_code["UNIMPLEMENTED"]["method"],
                         '/quote"/back\\slash')

    def test_callers_who_leave_are_logged_as_such(self):
        message = raw(noise(1500, 1500, 1)).SerializeToString()
        with support.Server("--log-level", "debug") as server:
            peer = DeafPeer(server.address, message)
            peer.send_part(1 << 20)
            peer.close()
            wait_until(lambda: "MeanFilter" in server.logged(), "the log line")
            self.assertIn("CANCELLED", server.logged())

    def test_a_log_that_nobody_reads_stops_nothing(self):
        process = subprocess.Popen(
            [support.SERVER, "--port", "0", "--log-level", "debug"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            address = process.stdout.readline().split()[-1]
            long_path = "/" + "p" * 400
            with grpc.insecure_channel(address) as channel:
                for _ in range(1500):
                    self.assertEqual(refusal(channel, long_path, b"").code(),
                                     grpc.StatusCode.UNIMPLEMENTED)
            process.terminate()
            self.assertEqual(process.wait(timeout=support.LIMIT_SECONDS), 0)
        finally:
            process.kill()
            process.communicate()

    def test_text_lines_stay_one_line(self):
        with support.Server() as server, server.channel() as channel:
            refusal(channel, MEAN, raw(noise(3, 3, 1), channels=9))
            wait_until(lambda: "INVALID" in server.logged(), "a log line")
            for line in server.logged().splitlines():
                self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\S+ info ")


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.root = pathlib.Path(cls.folder.name)
        cls.authority("ca")
        cls.authority("other")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def openssl(cls, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True,
                       cwd=cls.root, capture_output=True,
                       timeout=support.LIMIT_SECONDS)

    @classmethod
    def authority(cls, name):
        cls.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    f"{name}.key", "-out", f"{name}.pem", "-days", "2",
                    "-subj", f"/CN={name}")

    @classmethod
    def certificate(cls, name, authority="ca"):
        """Makes NAME/cert.pem and NAME/key.pem."""
        folder = cls.root / name
        folder.mkdir()
        (folder / "ext").write_text(
            "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        cls.openssl("req", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                    folder / "key.pem", "-out", folder / "csr", "-subj",
                    f"/CN={name}")
        cls.openssl("x509", "-req", "-in", folder / "csr", "-CA",
                    f"{authority}.pem", "-CAkey", f"{authority}.key",
                    "-CAcreateserial", "-days", "2", "-out",
                    folder / "cert.pem", "-extfile", folder / "ext")
        return folder

    def trusting(self, authority, client=None):
        return grpc.ssl_channel_credentials(
            (self.root / f"{authority}.pem").read_bytes(),
            client and (client / "key.pem").read_bytes(),
            client and (client / "cert.pem").read_bytes())

    def works(self, server, credentials):
        array = noise(4, 5, 3)
        with server.channel(credentials=credentials) as channel:
            try:
                answer = call(channel, MEAN, raw(array), timeout=10)
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.UNAVAILABLE)
                return False
        np.testing.assert_array_equal(samples(answer), mean_filter(array))
        return True

    def test_tls_and_its_reload(self):
        first = self.certificate("first")
        second = self.certificate("second", authority="other")
        live = self.root / "live"
        live.symlink_to(first)
        with support.Server("--tls-cert", str(live / "cert.pem"), "--tls-key",
                            str(live / "key.pem")) as server:
            self.assertTrue(self.works(server, self.trusting("ca")))
            self.assertFalse(self.works(server, self.trusting("other")))
            self.assertFalse(self.works(server, None))
            # Both files change at once when the link does.
            (self.root / "next").symlink_to(second)
            (self.root / "next").rename(live)
            wait_until(lambda: self.works(server, self.trusting("other")),
                       "the new certificate")
            self.assertFalse(self.works(server, self.trusting("ca")))

    def test_a_broken_certificate_does_not_replace_a_good_one(self):
        good = self.certificate("good")
        better = self.certificate("better", authority="other")
        for broken in (b"", b"rubbish", (better / "cert.pem").read_bytes()):
            live = self.root / "files"
            shutil.copytree(good, live)
            with support.Server("--tls-cert", str(live / "cert.pem"),
                                "--tls-key", str(live / "key.pem")) as server:
                self.assertTrue(self.works(server, self.trusting("ca")))
                (live / "cert.pem").write_bytes(broken)
                # The files are looked at once a second.
                time.sleep(2.5)
                self.assertTrue(self.works(server, self.trusting("ca")))
                self.assertEqual(server.logged().count("are not taken"), 1)
                # Once both fit together again, they are taken.
                for name in ("cert.pem", "key.pem"):
                    (live / name).write_bytes((better / name).read_bytes())
                wait_until(lambda server=server: self.works(
                    server, self.trusting("other")), "the new certificate")
            shutil.rmtree(live)

    def test_client_certificates_are_asked_for(self):
        own = self.certificate("own")
        good = self.certificate("good-client")
        bad = self.certificate("bad-client", authority="other")
        with support.Server("--tls-cert", str(own / "cert.pem"), "--tls-key",
                            str(own / "key.pem"), "--tls-client-ca",
                            str(self.root / "ca.pem")) as server:
            self.assertTrue(self.works(server, self.trusting("ca", good)))
            self.assertFalse(self.works(server, self.trusting("ca")))
            self.assertFalse(self.works(server, self.trusting("ca", bad)))
            done = subprocess.run(
                [support.CLIENT, "--input", "-", "--output", "-", "--format",
                 "png", "--host", "127.0.0.1", "--port",
                 server.address.rsplit(":", 1)[1], "--tls-ca",
                 str(self.root / "ca.pem"), "--tls-cert",
                 str(good / "cert.pem"), "--tls-key", str(good / "key.pem")],
                input=support.file_of(noise(4, 4, 3)), capture_output=True,
                timeout=support.LIMIT_SECONDS, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_key_of_another_certificate_is_refused_at_the_start(self):
        one = self.certificate("one")
        two = self.certificate("two")
        done = run_server("--tls-cert", str(one / "cert.pem"), "--tls-key",
                          str(two / "key.pem"), "--port", "0")
        self.assertEqual(done.returncode, 2)
        self.assertIn("is not that of the certificate", done.stderr)


if __name__ == "__main__":
    unittest.main()

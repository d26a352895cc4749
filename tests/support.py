"""What the system tests share: programs, channels, independent truth."""
# SPDX-License-Identifier: Apache-2.0
import io
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import grpc
import numpy as np
from PIL import Image

SERVER = os.environ["IMAGEADAPT_SERVER_BIN"]
CLIENT = os.environ["IMAGEADAPT_CLIENT_BIN"]
# Sanitizers keep freed memory and slow everything down.
SANITIZED = bool(os.environ.get("IMAGEADAPT_SANITIZED"))
LIMIT_SECONDS = 120 if SANITIZED else 30

sys.path.insert(0, os.environ["IMAGEADAPT_PYTHON_PROTOS"])

import nlimage_pb2 as nl  # noqa: E402  pylint: disable=wrong-import-position

ROTATE = "/NLImageService/RotateImage"
MEAN = "/NLImageService/MeanFilter"
MEDIAN = "/NLImageService/MedianBlurFilter"


class Server:
    """The built server as a process. Use as a context manager."""

    def __init__(self, *flags, host="127.0.0.1", env=None):
        command = [SERVER, "--host", host, *flags]
        if not host.startswith("unix:"):
            command += ["--port", "0"]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env={**os.environ, **(env or {})})
        watchdog = threading.Timer(LIMIT_SECONDS, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline()
        watchdog.cancel()
        found = re.fullmatch(r"imageadapt: serving on (\S+)\n", line)
        if not found:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"no server: {line!r} {self.logged()}")
        self.address = found[1]

    def logged(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def channel(self, limit=-1, credentials=None, address=None, **options):
        settings = list(options.items())
        if limit is not None:
            settings += [("grpc.max_receive_message_length", limit),
                         ("grpc.max_send_message_length", -1)]
        # Each test has connections of its own.
        settings.append(("grpc.use_local_subchannel_pool", 1))
        address = address or self.address
        if credentials is None:
            return grpc.insecure_channel(address, settings)
        return grpc.secure_channel(address, credentials, settings)

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def peak_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        self.process.stdout.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        code = self.stop()
        log = self.logged()
        self.log.close()
        if code != 0 and sys.exc_info()[0] is None:
            raise AssertionError(f"the server ended with {code}: {log}")


class SlowLink:
    """A link to a server that brings `rate` bytes a second to one caller."""

    _PIECE = 4096

    def __init__(self, server, rate):
        self._rate = rate
        self._server = socket.socket()
        # So that what is under way waits in the server's system.
        self._server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                self._PIECE)
        host, port = server.address.rsplit(":", 1)
        self._server.connect((host, int(port)))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(LIMIT_SECONDS)
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._threads = []
        self._start(self._serve)

    def _start(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _serve(self):
        caller, _ = self._listener.accept()
        with caller:
            self._start(self._pump, caller, self._server, 0)
            self._pump(self._server, caller, self._PIECE / self._rate)

    def _pump(self, source, target, pause):
        try:
            while piece := source.recv(self._PIECE):
                time.sleep(pause)
                target.sendall(piece)
        except OSError:
            pass  # either end may leave
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
        try:
            self._server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        for thread in self._threads:
            thread.join(LIMIT_SECONDS)
        self._server.close()


class ServerTestCase(unittest.TestCase):
    """One server for all tests of a class."""

    server_flags = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.server_flags)
        cls.channel = cls.server.channel()

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        code = cls.server.stop()
        log = cls.server.logged()
        cls.server.log.close()
        if code != 0:
            raise AssertionError(f"the server ended with {code}: {log}")


def call(channel, path, request, reply=nl.NLImage, timeout=LIMIT_SECONDS,
         **options):
    """One unary call; `request` is a message or its bytes."""
    method = channel.unary_unary(
        path,
        request_serializer=lambda r: r if isinstance(r, bytes)
        else r.SerializeToString(),
        response_deserializer=reply.FromString)
    return method(request, timeout=timeout, **options)


def refusal(channel, path, request, **options):
    """The RpcError of a call that must fail, or None."""
    try:
        call(channel, path, request, **options)
    except grpc.RpcError as error:
        return error
    return None


def wait_until(condition, what, seconds=LIMIT_SECONDS):
    """Polls `condition` until it is true; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        pause.wait(0.02)


def noise(height, width, channels, seed=1, dtype=np.uint8):
    rng = np.random.default_rng(seed)
    top = np.iinfo(dtype).max
    shape = (height, width, channels) if channels > 1 else (height, width)
    return rng.integers(0, top, shape, dtype=dtype, endpoint=True)


def photo(height, width, channels=3, seed=1):
    """Smooth enough that JPEG and PNG make it small."""
    y, x = np.mgrid[0:height, 0:width]
    rng = np.random.default_rng(seed)
    planes = [120 + 80 * np.sin(x / (31 + 7 * c)) * np.cos(y / (23 + 5 * c))
              + rng.normal(0, 2, (height, width)) for c in range(channels)]
    picture = np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)
    return picture if channels > 1 else picture[..., 0]


def file_of(array, kind="PNG", **options):
    data = io.BytesIO()
    Image.fromarray(array).save(data, kind, **options)
    return data.getvalue()


def decode(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def raw(array, **fields):
    """A message with raw samples, as the contract's comments say."""
    return nl.NLImage(color=array.ndim == 3, data=array.tobytes(),
                      width=array.shape[1], height=array.shape[0], **fields)


def samples(answer, channels=None):
    count = channels or (3 if answer.color else 1)
    shape = (answer.height, answer.width, count)
    array = np.frombuffer(answer.data, np.uint8).reshape(shape)
    return array if count > 1 else array[..., 0]


def mean_filter(array, size=3):
    """The mean of the samples that exist, truncated; independent of us."""
    planes = array if array.ndim == 3 else array[..., None]
    height, width, _ = planes.shape
    radius = size // 2
    sums = np.zeros(planes.shape, np.int64)
    counts = np.zeros((height, width, 1), np.int64)
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            to_y = slice(max(0, -dy), height - max(0, dy))
            to_x = slice(max(0, -dx), width - max(0, dx))
            from_y = slice(max(0, dy), height + min(0, dy))
            from_x = slice(max(0, dx), width + min(0, dx))
            if to_y.start >= to_y.stop or to_x.start >= to_x.stop:
                continue
            sums[to_y, to_x] += planes[from_y, from_x]
            counts[to_y, to_x] += 1
    result = (sums // counts).astype(array.dtype)
    return result if array.ndim == 3 else result[..., 0]


def median_filter(array, size):
    """The lower median of the samples that exist."""
    planes = array if array.ndim == 3 else array[..., None]
    result = np.empty_like(planes)
    radius = size // 2
    height, width, _ = planes.shape
    for y in range(height):
        for x in range(width):
            window = planes[max(0, y - radius):y + radius + 1,
                            max(0, x - radius):x + radius + 1]
            values = np.sort(window.reshape(-1, planes.shape[2]), axis=0)
            result[y, x] = values[(len(values) - 1) // 2]
    return result if array.ndim == 3 else result[..., 0]

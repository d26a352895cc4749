"""A caller that speaks HTTP/2 by hand, to do what gRPC's clients do not."""
# SPDX-License-Identifier: Apache-2.0
import socket
import threading

from support import LIMIT_SECONDS, MEAN


class DeafPeer(threading.Thread):
    """Speaks just enough HTTP/2 to send a call, and never reads its reply.

    It answers no window updates, so at most 64 KiB of the reply leave the
    server.
    """

    def __init__(self, address, message):
        super().__init__(daemon=True)
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)),
                                               LIMIT_SECONDS)
        self.body = b"\0" + len(message).to_bytes(4, "big") + message
        self.window = 65535
        self.stream_window = 65535
        self.buffer = b""
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.frame(4, 0, 0, b"")
        self.frame(1, 4, 1, self.headers(address))

    @staticmethod
    def headers(address):
        fields = [(":method", "POST"), (":scheme", "http"), (":path", MEAN),
                  (":authority", address), ("te", "trailers"),
                  ("content-type", "application/grpc")]
        block = b""
        for name, value in fields:
            # Literal, never indexed, names in full; all shorter than 127.
            block += b"\x10" + bytes([len(name)]) + name.encode()
            block += bytes([len(value)]) + value.encode()
        return block

    def frame(self, kind, flags, stream, payload):
        self.socket.sendall(len(payload).to_bytes(3, "big")
                            + bytes([kind, flags]) + stream.to_bytes(4, "big")
                            + payload)

    def read_frame(self):
        while len(self.buffer) < 9 or len(self.buffer) < 9 + int.from_bytes(
                self.buffer[:3], "big"):
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the server has closed the connection")
            self.buffer += more
        size = int.from_bytes(self.buffer[:3], "big")
        kind, flags = self.buffer[3], self.buffer[4]
        stream = int.from_bytes(self.buffer[5:9], "big")
        payload, self.buffer = (self.buffer[9:9 + size],
                                self.buffer[9 + size:])
        if kind == 8:  # WINDOW_UPDATE
            if stream == 0:
                self.window += int.from_bytes(payload, "big")
            else:
                self.stream_window += int.from_bytes(payload, "big")
        elif kind == 4 and not flags & 1:  # SETTINGS
            for at in range(0, size, 6):
                if payload[at:at + 2] == b"\0\x04":
                    self.stream_window += int.from_bytes(
                        payload[at + 2:at + 6], "big") - 65535
            self.frame(4, 1, 0, b"")
        elif kind == 6 and not flags & 1:  # PING
            self.frame(6, 1, 0, payload)

    def send_part(self, size):
        """Sends the next bytes of the message, as flow control allows."""
        while size > 0:
            part = min(size, 16384, self.window, self.stream_window)
            if part <= 0:
                self.read_frame()
                continue
            self.frame(0, 0, 1, self.body[:part])
            self.body = self.body[part:]
            self.window -= part
            self.stream_window -= part
            size -= part

    def run(self):
        self.send_part(len(self.body))
        self.frame(0, 1, 1, b"")  # END_STREAM

    def close(self):
        self.socket.close()

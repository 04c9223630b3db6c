"""Garbage, absurd lengths, half-open and slow clients, and thousands of idle ones: others go on, memory is bounded."""

import os
import resource
import socket
import struct
import sys

from ouzel import Ouzel, run, say, wait_until

MEMORY_MIB = 256
IDLE = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000


def connect(broker):
    return socket.create_connection(("127.0.0.1", broker.port), 10)


def works(broker, topic="others"):
    """Another client writes and reads."""
    address = f"127.0.0.1:{broker.port}"
    run("kcat", "-b", address, "-t", topic, "-P", input="x\n" * 10)
    assert run("kcat", "-b", address, "-t", topic, "-C", "-e", "-q", "-o", "-10").splitlines() == ["x"] * 10


def is_closed(sock, seconds=20):
    sock.settimeout(seconds)
    try:
        while sock.recv(65536):
            pass
        return True
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def garbage(broker):
    lines = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
        struct.pack(">i", 2**31 - 1),
        struct.pack(">i", -1),
        struct.pack(">ihhi", 10**9, 0, 9, 1),
        struct.pack(">i", 10) + os.urandom(10),
    ]
    for bytes_sent in lines:
        with connect(broker) as sock:
            sock.sendall(bytes_sent)
            assert is_closed(sock), f"still open after {bytes_sent[:20]!r}"
    # A request that the header of Metadata promises and whose body lies about its counts.
    body = struct.pack(">hhih", 3, 1, 7, -1) + struct.pack(">i", 2**31 - 1) + b"abc"
    with connect(broker) as sock:
        sock.sendall(struct.pack(">i", len(body)) + body)
        assert is_closed(sock), "still open after a count of 2^31"
    for _ in range(300):
        with connect(broker) as sock:
            try:
                sock.sendall(os.urandom(200))
            except ConnectionError:
                pass
    works(broker)
    say("garbage: connections closed, others go on")


def half_open_and_slow(broker):
    held = []
    for _ in range(200):
        sock = connect(broker)
        sock.sendall(struct.pack(">i", 900_000) + b"\x00\x00\x00\x09")  # the rest never comes
        held.append(sock)
    works(broker)
    # Readers that ask for everything and read nothing.
    address = f"127.0.0.1:{broker.port}"
    payload = ("y" * 1000 + "\n") * 20_000
    run("kcat", "-b", address, "-t", "large", "-P", input=payload)
    for _ in range(50):
        sock = connect(broker)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for correlation in range(50):
            request = fetch("large", correlation)
            sock.settimeout(0.2)
            try:
                sock.sendall(request)
            except (TimeoutError, ConnectionError):
                break
        held.append(sock)
    works(broker)
    for sock in held:
        sock.close()
    works(broker)
    say("half-open and slow clients: others go on")


def fetch(topic, correlation):
    """Fetch v4, one partition from offset 0, 50 MiB."""
    name = topic.encode()
    body = struct.pack(">hhih", 1, 4, correlation, -1)
    body += struct.pack(">iiiib", -1, 100, 1, 50 << 20, 0)
    body += struct.pack(">ih", 1, len(name)) + name
    body += struct.pack(">iiqi", 1, 0, 0, 50 << 20)
    return struct.pack(">i", len(body)) + body


def idle(broker):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = min(IDLE, hard - 200)
    if count < IDLE:
        say(f"SKIPPED in part: only {hard} files may be open here, so {count} idle connections instead of {IDLE}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, IDLE + 200)), hard))
    before = broker.resident_bytes()
    held = []
    for _ in range(count):
        held.append(connect(broker))
    works(broker)
    after = broker.resident_bytes()
    say(f"{count} idle connections: {(after - before) / count:.0f} bytes each, {after >> 20} MiB in all")
    assert after < (MEMORY_MIB << 20), f"{after >> 20} MiB resident, the cap is {MEMORY_MIB} MiB"
    for sock in held:
        sock.close()
    works(broker)


def main():
    with Ouzel("--memory", f"{MEMORY_MIB}MiB") as broker:
        broker.start()
        works(broker)
        garbage(broker)
        half_open_and_slow(broker)
        wait_until(lambda: broker.resident_bytes() < (MEMORY_MIB << 20), "memory under its cap")
        idle(broker)
        broker.stop()


if __name__ == "__main__":
    main()

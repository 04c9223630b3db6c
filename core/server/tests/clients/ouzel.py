"""A broker of one's own for a test: started on free ports in a temporary folder, ended by its process id."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time


class Ouzel:
    """One broker. The folder outlives a restart."""

    def __init__(self, *flags, port=None):
        self.binary = os.environ["OUZEL"]
        self.flags = list(flags)
        self.folder = tempfile.mkdtemp(prefix="ouzel-test-")
        self.port = port or free_port()
        self.process = None
        self.lines = []

    def start(self, *flags, seconds=30):
        listen = []
        for host in ("127.0.0.1", "[::1]"):
            listen += ["--listen", f"{host}:{self.port}"]
        command = [self.binary, *listen, "--data", os.path.join(self.folder, "data"), *self.flags, *flags]
        self.lines = []
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        ready = threading.Event()
        threading.Thread(target=self._read, args=(self.process, ready), daemon=True).start()
        if not ready.wait(seconds):
            raise AssertionError("the broker did not say that it is ready:\n" + "".join(self.lines))
        return self

    def _read(self, process, ready):
        for line in process.stdout:
            self.lines.append(line)
            if "Started Kafka API server" in line:
                ready.set()

    def kill(self):
        """Ends it at once, as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def stop(self):
        """Asks it to stop and waits until it did."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        assert code == 0, f"exit code {code}:\n" + "".join(self.lines)

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


def free_port():
    """A port that is free on both loopback addresses now, below those that the system gives to clients: a client
    that tries again and again to connect to one of those may end up connected to itself, and hold it."""
    for _ in range(100):
        port = random.randint(20_000, 30_000)
        try:
            with socket.socket(socket.AF_INET) as four, socket.socket(socket.AF_INET6) as six:
                four.bind(("127.0.0.1", port))
                six.bind(("::1", port))
                return port
        except OSError:
            continue
    raise AssertionError("no port is free on both loopback addresses")


def run(*command, input=None, seconds=60):
    """Runs a command to its end and returns what it printed; fails with all of it otherwise."""
    done = subprocess.run(command, input=input, capture_output=True, timeout=seconds, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def say(text):
    print(text, flush=True)


def wait_until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s for: {what}")
        time.sleep(0.05)


sys.stdout.reconfigure(line_buffering=True)

"""The power fails under the broker, on real file systems; every acknowledged record is there, in order.

The data lie on a file system in an image, mounted through a loop device. Its shutdown call takes all from it that was not
flushed, its own journal included, as a power cut takes it: nothing more is written, and the next mount finds what was
durable. What a device's own cache loses is not in it. It wants root and loop devices, and says so where there are none.

What was acknowledged before the cut has to be there. What is acknowledged while it happens has not: ext4 (Linux 6.18) tells
a sync that it is caught in that it succeeded, now and then, where the journal was given up under it. Four threads of a
program that only writes with RWF_DSYNC to files of their own lose their last write so in one of five cuts.
"""

import fcntl
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

from confluent_kafka.admin import AdminClient, NewTopic

from ouzel import Ouzel, run, say
from stream import TOPIC, check, stream_until

CUTS = int(sys.argv[1]) if len(sys.argv) > 1 else 10

# _IOR('X', 125, __u32): the same call of ext4 and of XFS. 2: without flushing the journal.
SHUTDOWN, WITHOUT_JOURNAL = 0x8004587D, 2

MAKERS = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"]}

# The exit code of a broker that lost its disk.
FAILED = 5

# Values of this length fill the least of segments some times in each round.
PADDING = 2_000


class Image:
    """A file system in a file."""

    def __init__(self, kind):
        self.folder = tempfile.mkdtemp(prefix="ouzel-power-")
        self.image = os.path.join(self.folder, "image")
        self.mounted = os.path.join(self.folder, "mounted")
        try:
            os.mkdir(self.mounted)
            with open(self.image, "wb") as image:
                image.truncate(1 << 30)
            run(*MAKERS[kind], self.image)
            self.mount()
        except BaseException:
            self.remove()
            raise

    def mount(self):
        run("mount", "-o", "loop", self.image, self.mounted)

    def unmount(self):
        run("umount", self.mounted)

    def cut(self):
        folder = os.open(self.mounted, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # Never that of the machine itself.
            own = os.fstat(folder).st_dev != os.stat(self.folder).st_dev
            assert own, f"{self.mounted} is not mounted"
            fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", WITHOUT_JOURNAL))
        finally:
            os.close(folder)

    def remove(self):
        for command in (["umount"], ["umount", "--lazy"]):
            if os.path.ismount(self.mounted):
                subprocess.run([*command, self.mounted], check=False)
        if os.path.ismount(self.mounted):
            say(f"{self.mounted} is still mounted: it is left as it is")
            return
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()


def main():
    if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
        say("SKIPPED: power cuts on real file systems want root and loop devices, and there are none here")
        return
    # So that what is mounted is unmounted.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    for kind in MAKERS:
        why = refused(kind)
        if why:
            say(f"SKIPPED: {kind} cannot be mounted here: {why}")
            continue
        with Image(kind) as image, Ouzel("--driver", "uring") as broker:
            own = broker.folder
            broker.folder = image.mounted
            try:
                cut_and_check(kind, image, broker)
            finally:
                # Its folder is not the image's to remove.
                broker.folder = own


def refused(kind):
    """Why this machine mounts no such image, if it says so: it does not know the file system, or does not let anybody."""
    try:
        with Image(kind):
            return None
    except AssertionError as error:
        reasons = ("unknown filesystem type", "ermission denied", "not permitted", "failed to setup loop device")
        for line in str(error).splitlines():
            if any(reason in line for reason in reasons):
                return line
        raise


def cut_and_check(kind, image, broker):
    broker.start()
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{broker.port}", "log_level": 0})
    made = admin.create_topics([NewTopic(TOPIC, 1, 1, config={"segment.bytes": str(1 << 20)})])
    made[TOPIC].result(20)
    data = os.path.join(image.mounted, "data")
    acknowledged = {}
    sent = 0
    torn = 0
    caught = 0
    for cut in range(CUTS):
        sure = {}

        def happens():
            sure.update(acknowledged)
            image.cut()
            # It cannot go on without its disk, and does not pretend to.
            code = broker.process.wait(30)
            said = "".join(broker.lines)
            assert code == FAILED and "nothing more is acknowledged" in said, f"{kind}: exit code {code}\n{said}"

        sent = stream_until(broker, acknowledged, sent, random.Random(cut), happens, padding=PADDING)
        caught += len(acknowledged) - len(sure)
        acknowledged = sure
        image.unmount()
        image.mount()
        verified = run(broker.binary, "log", "verify", data)
        torn += " with an end that was never acknowledged" in verified and " 0 with an end" not in verified
        broker.start()
        check(broker, acknowledged)
    segments = sum(name.endswith(".log") for _, _, names in os.walk(data) for name in names)
    broker.stop()
    say(
        f"{kind}: {CUTS} power cuts, {len(acknowledged)} of {sent} records acknowledged before them, all there in order, and "
        f"{caught} while they happened, not looked for; {segments} segments, {torn} torn ends; `ouzel log verify` agrees"
    )


if __name__ == "__main__":
    main()

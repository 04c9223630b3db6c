"""The broker is killed in mid-stream; every acknowledged record is there, in order.

A process's death leaves the system's cache, so this shows that what is acknowledged has left the process, that
recovery takes it up, and that clients come back; what a power cut takes, power.py and the simulator show.
"""

import random
import sys

from ouzel import Ouzel, say
from stream import check, stream_until

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 20


def main():
    for driver in ("uring", "portable"):
        with Ouzel("--driver", driver) as broker:
            broker.start()
            acknowledged = {}
            sent = 0
            for round_number in range(ROUNDS):
                prng = random.Random(round_number)
                sent = stream_until(broker, acknowledged, sent, prng, broker.kill)
                broker.start()
                check(broker, acknowledged)
            say(f"{driver}: {ROUNDS} kills, {len(acknowledged)} of {sent} records acknowledged, all there in order")
            broker.stop()


if __name__ == "__main__":
    main()

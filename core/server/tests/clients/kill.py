"""The broker is killed in mid-stream; every acknowledged record is there, in order.

A process's death leaves the system's cache, so this shows that what is acknowledged has left the process, that
recovery takes it up, and that clients come back; what a power cut may take is the simulator's business.
"""

import random
import sys
import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from ouzel import Ouzel, say

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 20


def main():
    for driver in ("uring", "portable"):
        with Ouzel("--driver", driver) as broker:
            broker.start()
            acknowledged = {}
            sent = 0
            for round_number in range(ROUNDS):
                sent = stream_and_kill(broker, acknowledged, sent, random.Random(round_number))
                broker.start()
                check(broker, acknowledged)
            say(f"{driver}: {ROUNDS} kills, {len(acknowledged)} of {sent} records acknowledged, all there in order")
            broker.stop()


def stream_and_kill(broker, acknowledged, sent, prng):
    producer = Producer(
        {
            "bootstrap.servers": f"127.0.0.1:{broker.port}",
            "acks": "all",
            "linger.ms": 0,
            "batch.num.messages": 50,
            "message.timeout.ms": 1000,
            "retries": 0,
            "log_level": 0,
        }
    )

    def delivered(error, message):
        if error is None:
            acknowledged[int(message.value())] = message.offset()

    end = time.monotonic() + prng.uniform(0.2, 0.6)
    before = len(acknowledged)
    limit = time.monotonic() + 20
    while time.monotonic() < end or (len(acknowledged) == before and time.monotonic() < limit):
        try:
            producer.produce("stream", str(sent).encode(), partition=0, on_delivery=delivered)
            sent += 1
        except BufferError:
            # A client that is faster than the disk: its own queue is full, and the number is not used up.
            producer.poll(0.01)
        producer.poll(0.0005)
    assert len(acknowledged) > before, "nothing was acknowledged before the kill"
    broker.kill()
    producer.flush(5)
    producer.purge()
    producer.flush(1)
    return sent


def check(broker, acknowledged):
    consumer = Consumer(
        {"bootstrap.servers": f"127.0.0.1:{broker.port}", "group.id": "unused", "enable.auto.commit": False}
    )
    _, end = consumer.get_watermark_offsets(TopicPartition("stream", 0), timeout=20)
    consumer.assign([TopicPartition("stream", 0, OFFSET_BEGINNING)])
    found = {}
    last = -1
    while last < end - 1:
        message = consumer.poll(20)
        assert message is not None and not message.error(), message and message.error()
        assert message.offset() == last + 1, (message.offset(), last)
        last = message.offset()
        found[last] = int(message.value())
    consumer.close()
    for number, offset in acknowledged.items():
        assert found.get(offset) == number, f"record {number} was acknowledged at {offset}, which holds {found.get(offset)}"
    order = [found[offset] for offset in sorted(acknowledged.values())]
    assert order == sorted(order), "acknowledged records changed their order"


if __name__ == "__main__":
    main()

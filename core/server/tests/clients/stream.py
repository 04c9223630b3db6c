"""A stream of numbered records: written while something happens to the broker, and looked for afterwards."""

import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

TOPIC = "stream"


def stream_until(broker, acknowledged, sent, prng, happens, padding=0):
    """Writes for a while, until something was acknowledged, and then has it happen with records on their way. Acknowledged
    numbers and their offsets are noted; how many were sent comes back."""
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
            # A number is a number with zeroes in front, too.
            value = str(sent).zfill(padding).encode()
            producer.produce(TOPIC, value, partition=0, on_delivery=delivered)
            sent += 1
        except BufferError:
            # A client that is faster than the disk: its own queue is full, and the number is not used up.
            producer.poll(0.01)
        producer.poll(0.0005)
    assert len(acknowledged) > before, "nothing was acknowledged before it happened"
    happens()
    producer.flush(5)
    producer.purge()
    producer.flush(1)
    return sent


def check(broker, acknowledged):
    """Everything that was acknowledged is there, where it was said to be, in order, and offsets have no holes."""
    consumer = Consumer(
        {"bootstrap.servers": f"127.0.0.1:{broker.port}", "group.id": "unused", "enable.auto.commit": False}
    )
    _, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, 0), timeout=20)
    consumer.assign([TopicPartition(TOPIC, 0, OFFSET_BEGINNING)])
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

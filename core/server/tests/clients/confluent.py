"""confluent-kafka writes and reads assigned partitions; kcat and it read what the other wrote."""

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition, version
from confluent_kafka.admin import AdminClient, NewTopic

from ouzel import Ouzel, run, say

RECORDS = 3000
PARTITIONS = 3


def record(number):
    return {
        "key": f"key-{number}".encode(),
        "value": bytes([number % 256]) * (number % 700),
        "headers": [("number", str(number).encode()), ("none", None), ("number", b"again")],
        "timestamp": 1_700_000_000_000 + number,
        "partition": number % PARTITIONS,
    }


def read(address, topic, partitions, count):
    consumer = Consumer({"bootstrap.servers": address, "group.id": "unused", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in range(partitions)])
    messages = []
    while len(messages) < count:
        message = consumer.poll(20)
        assert message is not None, f"only {len(messages)} of {count} records came"
        if message.error() and message.error().code() == KafkaError._PARTITION_EOF:
            continue
        assert not message.error(), message.error()
        messages.append(message)
    consumer.close()
    return messages


def writes_and_reads(address):
    admin = AdminClient({"bootstrap.servers": address})
    admin.create_topics([NewTopic("orders", PARTITIONS, 1)])["orders"].result(20)
    for acks in ("all", "1", "0"):
        topic = "orders" if acks == "all" else f"orders-{acks}"
        partitions = PARTITIONS
        if acks != "all":
            admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(20)
        failures = []
        producer = Producer({"bootstrap.servers": address, "acks": acks, "linger.ms": 5})
        for number in range(RECORDS):
            producer.produce(topic, **record(number), on_delivery=lambda error, _: error and failures.append(error))
            producer.poll(0)
        assert producer.flush(60) == 0, "not all was acknowledged"
        assert not failures, failures[0]
        messages = read(address, topic, partitions, RECORDS)
        by_partition = {p: [] for p in range(partitions)}
        for message in messages:
            by_partition[message.partition()].append(message)
        for partition, messages in by_partition.items():
            assert [m.offset() for m in messages] == list(range(len(messages)))
            for message, number in zip(messages, range(partition, RECORDS, PARTITIONS), strict=True):
                sent = record(number)
                assert message.key() == sent["key"]
                assert message.value() == sent["value"]
                assert message.headers() == sent["headers"], message.headers()
                assert message.timestamp()[1] == sent["timestamp"]
        say(f"confluent-kafka, acks={acks}: {RECORDS} records equal")


def each_reads_the_other(address):
    told = run("kcat", "-b", address, "-t", "orders", "-p", "1", "-C", "-e", "-q", "-f", "%o %k %T\n").splitlines()
    expected = [f"{o} key-{n} {1_700_000_000_000 + n}" for o, n in enumerate(range(1, RECORDS, PARTITIONS))]
    assert told == expected, told[:3]
    run("kcat", "-b", address, "-t", "from-kcat", "-P", "-K", ":", "-H", "from=kcat", input="a:1\nb:2\n")
    messages = read(address, "from-kcat", 1, 2)
    assert [(m.key(), m.value(), m.headers()) for m in messages] == [
        (b"a", b"1", [("from", b"kcat")]),
        (b"b", b"2", [("from", b"kcat")]),
    ]
    say("kcat and confluent-kafka read what the other wrote")


def main():
    say(f"confluent-kafka {version()}")
    with Ouzel() as broker:
        broker.start()
        address = f"127.0.0.1:{broker.port}"
        writes_and_reads(address)
        each_reads_the_other(address)
        broker.stop()


if __name__ == "__main__":
    main()

"""kcat lists, writes and reads over 127.0.0.1, localhost and ::1."""

from ouzel import Ouzel, run, say


def main():
    with Ouzel() as broker:
        broker.start()
        for number, host in enumerate(("127.0.0.1", "localhost", "[::1]")):
            address = f"{host}:{broker.port}"
            topic = f"hello-{number}"
            listed = run("kcat", "-b", address, "-L")
            assert "1 brokers" in listed, listed
            sent = [f"record {n}" for n in range(1000)]
            run("kcat", "-b", address, "-t", topic, "-P", input="\n".join(sent) + "\n")
            read = run("kcat", "-b", address, "-t", topic, "-C", "-e", "-q").splitlines()
            assert read == sent, f"{len(read)} of {len(sent)} records came back over {host}"
            tail = run("kcat", "-b", address, "-t", topic, "-C", "-e", "-q", "-o", "-3").splitlines()
            assert tail == sent[-3:], tail
            listed = run("kcat", "-b", address, "-L", "-t", topic)
            assert f'topic "{topic}" with 1 partitions' in listed, listed
            say(f"kcat over {host}: listed, wrote and read {len(sent)} records")
        broker.stop()
        assert any("Shutdown complete" in line for line in broker.lines), "".join(broker.lines)
        broker.start("--cores", "1")
        read = run("kcat", "-b", f"127.0.0.1:{broker.port}", "-t", "hello-0", "-C", "-e", "-q").splitlines()
        assert len(read) == 1000, len(read)
        say("kcat: all there after a restart with another number of cores")
        broker.stop()


if __name__ == "__main__":
    main()

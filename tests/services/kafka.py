"""One Kafka broker in KRaft mode (broker and controller in one process)."""

import logging
import subprocess

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from services import jars
from services.process import Service, free_port

# Takes librdkafka's lines about a broker that is away: the tests take it away.
_silent = logging.getLogger("services.kafka")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False

CLUSTER_ID = "dHJhaW53YXJkLXRlc3RzLQ"

# Short session and log-cleaner times, so that a restart after kill -9 and a compaction take seconds.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data_dir}/log
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=1000
broker.heartbeat.interval.ms=200
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=4000000
log.cleaner.backoff.ms=200
log.initial.task.delay.ms=500
"""


class Kafka(Service):
    name = "kafka"

    def __init__(self, data_dir, log_dir, build_dir):
        super().__init__(data_dir, log_dir)
        self.jars = jars.fetch("kafka", build_dir)
        self.java = jars.java_bin() / "java"
        self.port = free_port()
        self.brokers = f"127.0.0.1:{self.port}"
        self.properties = self.data_dir / "server.properties"
        self.properties.write_text(PROPERTIES.format(
            port=self.port, controller_port=free_port(), data_dir=self.data_dir))
        self._format()

    def _format(self):
        done = subprocess.run(
            [self.java, "-Xmx256m", "-cp", f"{self.jars}/*", "kafka.tools.StorageTool", "format",
             "-t", CLUSTER_ID, "-c", self.properties], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"the storage could not be formatted:\n{done.stdout}{done.stderr}")

    def command(self):
        return [self.java, "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{self.jars}/*",
                "kafka.Kafka", self.properties]

    def admin(self):
        return AdminClient({"bootstrap.servers": self.brokers, "socket.timeout.ms": 5000},
                           logger=_silent)

    def is_ready(self):
        try:
            return bool(self.admin().list_topics(timeout=1).brokers)
        except KafkaException:
            return False

    def create_topics(self, *names, partitions=1, config=None):
        topics = [NewTopic(name, partitions, 1, config=config or {}) for name in names]
        admin = self.admin()  # it has to outlive its futures
        for future in admin.create_topics(topics, operation_timeout=20).values():
            future.result()

    def produce(self, topic, messages):
        """Sends (key, value) pairs and returns once the broker has them all, in order."""
        failures = []
        producer = Producer({"bootstrap.servers": self.brokers, "enable.idempotence": True,
                             "linger.ms": 1}, logger=_silent)
        for key, value in messages:
            producer.produce(topic, value, key,
                             on_delivery=lambda error, _: failures.append(error) if error else None)
            producer.poll(0)
        left = producer.flush(60)
        assert not failures and left == 0, f"{left} messages left, {failures[:1]}"

    def read_all(self, topic, seconds=30):
        """Every message of a topic as (key, value), in order within a partition."""
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": "tests-read-all",
                             "enable.auto.commit": False, "fetch.wait.max.ms": 20}, logger=_silent)
        try:
            return _read(consumer, topic, seconds)
        finally:
            consumer.close()


def _read(consumer, topic, seconds):
    starts, ends = [], {}
    for number in consumer.list_topics(topic, timeout=seconds).topics[topic].partitions:
        partition = TopicPartition(topic, number)
        partition.offset, end = consumer.get_watermark_offsets(partition, timeout=seconds)
        if partition.offset < end:
            starts.append(partition)
            ends[number] = end
    consumer.assign(starts)
    found = []
    while ends:
        message = consumer.poll(seconds)
        if message is None:
            raise TimeoutError(f"{topic}: partitions {sorted(ends)} are not read to their ends")
        if message.error():
            raise KafkaException(message.error())
        found.append((message.key(), message.value()))
        if message.offset() + 1 >= ends.get(message.partition(), 0):
            ends.pop(message.partition(), None)
    return found

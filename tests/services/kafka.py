"""Kafka in KRaft mode: one broker (broker and controller in one process) and, where a test needs
them, others that join it; with logins, TLS and a disk that can be full."""

import logging
import resource
import subprocess

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from services import jars
from services.certificates import make_certificate
from services.process import Service, free_port, wait_until

# Takes librdkafka's lines about a broker that is away: the tests take it away.
_silent = logging.getLogger("services.kafka")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False

CLUSTER_ID = "dHJhaW53YXJkLXRlc3RzLQ"

# Short session and log-cleaner times, so that a restart after kill -9 and a compaction take seconds.
# (A broker that is silent for its session is fenced, which with 1 s happens to one whose machine is
# busy: then no partition has a leader.)
PROPERTIES = """\
process.roles={roles}
node.id={node}
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners={listeners}
advertised.listeners={advertised}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,SSL:SSL,SASL_SSL:SASL_SSL
inter.broker.listener.name=PLAINTEXT
controller.listener.names=CONTROLLER
log.dirs={log_dir}
auto.create.topics.enable={creates}
offsets.topic.replication.factor={replication}
offsets.topic.num.partitions=1
transaction.state.log.replication.factor={replication}
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=200
replica.lag.time.max.ms=3000
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=4000000
log.cleaner.backoff.ms=200
log.initial.task.delay.ms=500
"""

# "trainward" may do everything, "outsider" nothing; who does not log in is the tests' own client.
USERS = {"trainward": "right-password", "outsider": "other-password"}
SECURITY = """\
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {users};
listener.name.sasl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {users};
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={certificate}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:trainward
"""


class Kafka(Service):
    name = "kafka"

    def __init__(self, data_dir, log_dir, build_dir, *, name="kafka", log_dirs=None, is_secure=False,
                 first=None, replication=1, creates_topics=False):
        """`log_dirs`: where the broker keeps its data; `first`: the node whose cluster it joins;
        `creates_topics`: whenever a client asks for one and does not say that it must not."""
        self.name = name
        super().__init__(data_dir, log_dir)
        self.jars = jars.fetch("kafka", build_dir)
        self.java = jars.java_bin() / "java"
        names = ["PLAINTEXT"] + (["SASL", "SSL", "SASL_SSL"] if is_secure else [])
        self.ports = {each: free_port() for each in names}
        self.port = self.ports["PLAINTEXT"]
        self.brokers = f"127.0.0.1:{self.port}"
        self.controller_port = first.controller_port if first else free_port()
        self.node = first.next_node() if first else 1
        self.properties = self.data_dir / "server.properties"
        listeners = [f"{each}://127.0.0.1:{port}" for each, port in self.ports.items()]
        controller = [] if first else [f"CONTROLLER://127.0.0.1:{self.controller_port}"]
        text = PROPERTIES.format(
            roles="broker" if first else "broker,controller", node=self.node,
            controller_port=self.controller_port, listeners=",".join(listeners + controller),
            advertised=",".join(listeners), log_dir=log_dirs or self.data_dir / "log",
            replication=replication, creates=str(creates_topics).lower())
        if is_secure:
            self.ca, certificate, key = make_certificate(self.data_dir / "tls")
            both = self.data_dir / "tls" / "both.pem"
            both.write_text(key.read_text() + certificate.read_text())
            text += SECURITY.format(certificate=both, users=" ".join(
                f'user_{user}="{password}"' for user, password in USERS.items()))
        self.properties.write_text(text)
        self._format(is_secure)

    def next_node(self):
        self.nodes = getattr(self, "nodes", 1) + 1
        return self.nodes

    def _format(self, is_secure):
        logins = [word for user, password in USERS.items() for word in
                  ("--add-scram", f"SCRAM-SHA-256=[name={user},password={password}]")]
        done = subprocess.run(
            [self.java, "-Xmx256m", "-cp", f"{self.jars}/*", "kafka.tools.StorageTool", "format",
             "-t", CLUSTER_ID, "-c", self.properties, *(logins if is_secure else [])],
            capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"the storage could not be formatted:\n{done.stdout}{done.stderr}")

    def command(self):
        return [self.java, "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{self.jars}/*",
                "kafka.Kafka", self.properties]

    def address(self, listener):
        return f"127.0.0.1:{self.ports[listener]}"

    def limit_files(self, size):
        """Lets no file of the running broker grow beyond `size` bytes, None: any."""
        limit = resource.RLIM_INFINITY if size is None else size
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    def admin(self):
        return AdminClient({"bootstrap.servers": self.brokers, "socket.timeout.ms": 30000},
                           logger=_silent)

    def is_ready(self):
        try:
            return self.node in self.admin().list_topics(timeout=1).brokers
        except KafkaException:
            return False

    def create_topics(self, *names, partitions=1, config=None, replication=1):
        topics = [NewTopic(name, partitions, replication, config=config or {}) for name in names]
        admin = self.admin()  # it has to outlive its futures
        for future in admin.create_topics(topics, operation_timeout=20).values():
            future.result()

    def delete_topics(self, *names):
        admin = self.admin()
        for future in admin.delete_topics(list(names), operation_timeout=20).values():
            future.result()

    def topics(self):
        """{name: {partition: leader}}"""
        found = self.admin().list_topics(timeout=10).topics
        return {name: {number: partition.leader for number, partition in topic.partitions.items()}
                for name, topic in found.items()}

    def produce(self, topic, messages):
        """Sends (key, value) pairs and returns once the broker has them all, in order."""
        failures = []
        producer = Producer({"bootstrap.servers": self.brokers, "enable.idempotence": True,
                             "linger.ms": 1, "message.max.bytes": 8_000_000}, logger=_silent)
        for key, value in messages:
            producer.produce(topic, value, key,
                             on_delivery=lambda error, _: failures.append(error) if error else None)
            producer.poll(0)
        left = producer.flush(60)
        assert not failures and left == 0, f"{left} messages left, {failures[:1]}"

    def read_all(self, topic, seconds=30):
        """Every message of a topic as (key, value), in order within a partition."""
        return [(message.key(), message.value()) for message in self.read_messages(topic, seconds)]

    def read_messages(self, topic, seconds=30):
        consumer = Consumer({"bootstrap.servers": self.brokers, "group.id": "tests-read-all",
                             "enable.auto.commit": False, "fetch.wait.max.ms": 20}, logger=_silent)
        try:
            return _read(consumer, topic, seconds)
        finally:
            consumer.close()


def _offsets(consumer, partition):
    """(first, end); None while a broker that has just started does not lead the partition."""
    try:
        return consumer.get_watermark_offsets(partition, timeout=5)
    except KafkaException as error:
        if error.args[0].code() not in (KafkaError.NOT_LEADER_FOR_PARTITION,
                                        KafkaError._UNKNOWN_PARTITION, KafkaError._TIMED_OUT):
            raise
        return None


def _read(consumer, topic, seconds):
    starts, ends = [], {}
    for number in consumer.list_topics(topic, timeout=seconds).topics[topic].partitions:
        partition = TopicPartition(topic, number)
        partition.offset, end = wait_until(lambda: _offsets(consumer, partition), seconds,
                                           f"a leader of {topic} {number}")
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
        found.append(message)
        if message.offset() + 1 >= ends.get(message.partition(), 0):
            ends.pop(message.partition(), None)
    return found

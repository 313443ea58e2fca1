"""Send telemetry to trainward from any Python training loop: pip install confluent-kafka."""
import json
import os
import time

from confluent_kafka import Producer

producer = Producer({"bootstrap.servers": "localhost:9092", "enable.idempotence": True,
                     "queue.buffering.max.kbytes": 16384})
run, attempt = "my-run", f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{os.getpid()}"


def emit(step, **fields):  # emit(10, loss=0.5, grad_norm=1.2, learning_rate=1e-3)
    record = {"v": 1, "run": run, "attempt": attempt, "time": int(time.time() * 1000), "step": step}
    try:  # NaN and Infinity may be sent as json writes them
        producer.produce("trainward.telemetry", json.dumps({**record, **fields}), key=run)
    except BufferError:
        pass  # Kafka is away: drop the record rather than block the training
    producer.poll(0)
# At the end: emit(step, kind="end", status="completed"); producer.flush(10)

"""Real services for the tests: a Kafka broker, an OpenSearch node, a mail server."""

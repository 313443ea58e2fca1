"""The services of the other tests are real: what they took in outlives kill -9."""

import smtplib
import ssl

import pytest

from services.mail import PASSWORD, USER


def test_kafka_keeps_what_it_acknowledged_through_kill_9(kafka, test_name):
    sent = [(f"run-{i % 3}".encode(), f"message {i}".encode()) for i in range(300)]
    kafka.create_topics(test_name, partitions=2)
    kafka.produce(test_name, sent)
    kafka.kill9()
    kafka.start()
    assert sorted(kafka.read_all(test_name)) == sorted(sent)


def test_opensearch_keeps_what_it_acknowledged_through_kill_9(opensearch, test_name):
    opensearch.request("PUT", f"/{test_name}/_create/one", {"step": 1})
    opensearch.kill9()
    opensearch.start()
    assert opensearch.documents(f"{test_name}*") == {"one": {"step": 1}}


def test_elasticsearch_keeps_what_it_acknowledged_through_kill_9(elasticsearch, test_name):
    elasticsearch.request("PUT", f"/{test_name}/_create/one", {"step": 1})
    elasticsearch.kill9()
    elasticsearch.start()
    assert elasticsearch.documents(f"{test_name}*") == {"one": {"step": 1}}


@pytest.mark.parametrize("kind", ["plain", "starttls", "smtps"])
def test_the_mail_server_takes_mail(mail, kind):
    trusted = ssl.create_default_context(cafile=str(mail.ca))
    client = (smtplib.SMTP_SSL("127.0.0.1", mail.ports[kind], context=trusted) if kind == "smtps"
              else smtplib.SMTP("127.0.0.1", mail.ports[kind]))
    with client:
        if kind == "starttls":
            client.starttls(context=trusted)
        if kind != "plain":
            with pytest.raises(smtplib.SMTPAuthenticationError):
                client.login(USER, "wrong")
            client.login(USER, PASSWORD)
        client.sendmail("a@trainward.test", [f"{kind}@trainward.test"], f"Subject: {kind}\n\nHello\n")
    assert [sent["Subject"] for sent in mail.messages(f"{kind}@trainward.test")] == [kind]

/* Remedies by librdkafka's codes, and by its words where one code stands for many troubles. */
#include "telemetry/kafka_trouble.h"

#include <stdio.h>
#include <string.h>

static const struct {
    rd_kafka_resp_err_t code;
    const char *word; /* in the reason; NULL: any */
    const char *remedy;
} remedies[] = {
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, "mechanism",
     "the login is refused: check sasl.mechanism, sasl.username and sasl.password"},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, NULL,
     "the login is refused: check security.protocol, sasl.username and sasl.password"},
    {RD_KAFKA_RESP_ERR__SSL, "certificate",
     "the brokers' certificate is not trusted: check ssl.ca.location, and that `brokers` has the "
     "name that the certificate is for"},
    {RD_KAFKA_RESP_ERR__SSL, NULL, "there is no TLS with the brokers: check security.protocol"},
    /* Without TLS of its own, a broker hangs up in the middle of the handshake. */
    {RD_KAFKA_RESP_ERR__TRANSPORT, "SSL routines",
     "there is no TLS with the brokers: check security.protocol"},
    /* What a broker does with bytes that it does not understand is to hang up. */
    {RD_KAFKA_RESP_ERR__TRANSPORT, "security.protocol",
     "the brokers hang up at once: check security.protocol (ssl, sasl_ssl, sasl_plaintext)"},
    {RD_KAFKA_RESP_ERR__RESOLVE, NULL, "a host name is unknown: check `brokers`"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, NULL,
     "the topic is missing: 'trainward setup kafka' creates it"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, NULL,
     "the topic is missing: 'trainward setup kafka' creates it"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, NULL,
     "the topic is missing or has too few partitions: see 'trainward setup kafka'"},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, NULL, "raise max.message.bytes of the topic"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, NULL,
     "fewer brokers are up than min.insync.replicas of the topic asks for"},
    {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, NULL, "a broker cannot write: is its disk full?"},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, NULL,
     "the login may not use this topic: give it the ACLs Read, Write and Describe"},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, NULL,
     "the login may not use this consumer group: give it the ACLs Read and Describe"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, NULL,
     "the login may not do this: give it the ACL IdempotentWrite on the cluster"},
};

const char *tw_kafka_remedy(rd_kafka_resp_err_t code, const char *reason)
{
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++) {
        if (remedies[i].code == code &&
            (!remedies[i].word || strstr(reason ? reason : "", remedies[i].word)))
            return remedies[i].remedy;
    }
    return NULL;
}

enum tw_kafka_verdict tw_kafka_verdict_of(rd_kafka_resp_err_t code, const char *reason)
{
    if (code == RD_KAFKA_RESP_ERR__RESOLVE || !tw_kafka_remedy(code, reason))
        return TW_KAFKA_AWAY;
    return code == RD_KAFKA_RESP_ERR__TRANSPORT ? TW_KAFKA_HANGS_UP : TW_KAFKA_REFUSES;
}

/* librdkafka puts the broker's address before it ("GroupCoordinator: ssl://host:9092/1: ") and how
 * long it took behind it. */
static int shortened(const char *reason, const char **ret)
{
    for (size_t length;
         reason[length = strcspn(reason, " ")] && length && reason[length - 1] == ':';)
        reason += length + 1;
    *ret = reason;
    const char *took = strstr(reason, " (after ");
    return (int)(took ? (size_t)(took - *ret) : strlen(*ret));
}

void tw_kafka_keep_reason(char *buffer, size_t size, rd_kafka_resp_err_t code, const char *reason)
{
    const char *text, *remedy = tw_kafka_remedy(code, reason);
    if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && *buffer)
        return;
    int length = shortened(reason, &text);
    if (remedy)
        snprintf(buffer, size, "%s (%.*s)", remedy, length, text);
    else
        snprintf(buffer, size, "%.*s", length, text);
}

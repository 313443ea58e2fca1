/* What becomes of librdkafka's reasons, as it words them (2.0.2, seen at a real broker). */
#include "telemetry/kafka_trouble.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LOGIN                                                                                      \
    "sasl_plaintext://127.0.0.1:9092/bootstrap: SASL authentication error: Authentication failed " \
    "during authentication due to invalid credentials with SASL mechanism SCRAM-SHA-256 (after "   \
    "5ms in state AUTH_REQ)"
#define HANG_UP                                                                                    \
    "127.0.0.1:9093/bootstrap: Disconnected while requesting ApiVersion: might be caused by "      \
    "incorrect security.protocol configuration (connecting to a SSL listener?) or broker version " \
    "is < 0.10 (see api.version.request) (after 8ms in state APIVERSION_QUERY)"
#define REFUSED                                                                                    \
    "GroupCoordinator: 127.0.0.1:9092: Connect to ipv4#127.0.0.1:9092 failed: Connection refused " \
    "(after 0ms in state CONNECT)"

static const char *kept(rd_kafka_resp_err_t code, const char *reason)
{
    static char buffer[400];
    buffer[0] = '\0';
    tw_kafka_keep_reason(buffer, sizeof buffer, code, reason);
    return buffer;
}

static void the_setting_to_look_at_comes_first(void **state)
{
    (void)state;
    assert_string_equal(kept(RD_KAFKA_RESP_ERR__AUTHENTICATION, LOGIN),
                        "the login is refused: check sasl.mechanism, sasl.username and "
                        "sasl.password (SASL authentication error: Authentication failed during "
                        "authentication due to invalid credentials with SASL mechanism "
                        "SCRAM-SHA-256)");
    assert_ptr_equal(strstr(kept(RD_KAFKA_RESP_ERR__TRANSPORT, HANG_UP),
                            "the brokers hang up at once: check security.protocol"),
                     kept(RD_KAFKA_RESP_ERR__TRANSPORT, HANG_UP));
}

static void addresses_and_times_are_left_out(void **state)
{
    (void)state;
    assert_string_equal(kept(RD_KAFKA_RESP_ERR__TRANSPORT, REFUSED),
                        "Connect to ipv4#127.0.0.1:9092 failed: Connection refused");
    assert_string_equal(kept(RD_KAFKA_RESP_ERR__FAIL, "plain words"), "plain words");
    assert_string_equal(kept(RD_KAFKA_RESP_ERR__FAIL, ""), "");
}

static void that_all_are_down_does_not_hide_why(void **state)
{
    char buffer[400] = "";
    (void)state;
    tw_kafka_keep_reason(buffer, sizeof buffer, RD_KAFKA_RESP_ERR__TRANSPORT, REFUSED);
    tw_kafka_keep_reason(buffer, sizeof buffer, RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
                         "1/1 brokers are down");
    assert_non_null(strstr(buffer, "Connection refused"));
}

static void waiting_helps_only_where_nobody_answers(void **state)
{
    (void)state;
    assert_int_equal(tw_kafka_verdict_of(RD_KAFKA_RESP_ERR__TRANSPORT, REFUSED), TW_KAFKA_AWAY);
    assert_int_equal(tw_kafka_verdict_of(RD_KAFKA_RESP_ERR__TRANSPORT, HANG_UP), TW_KAFKA_HANGS_UP);
    assert_int_equal(tw_kafka_verdict_of(RD_KAFKA_RESP_ERR__AUTHENTICATION, LOGIN),
                     TW_KAFKA_REFUSES);
    /* A name server may be away, too. */
    assert_int_equal(tw_kafka_verdict_of(RD_KAFKA_RESP_ERR__RESOLVE, "no such host"),
                     TW_KAFKA_AWAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_setting_to_look_at_comes_first),
        cmocka_unit_test(addresses_and_times_are_left_out),
        cmocka_unit_test(that_all_are_down_does_not_hide_why),
        cmocka_unit_test(waiting_helps_only_where_nobody_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

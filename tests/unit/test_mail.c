/* Mails: bytes, texts, charts, and the settings of a server. */
#include "sinks/mail/chart.h"
#include "sinks/mail/mime.h"
#include "sinks/mail/transport.h"
#include "sinks/mail/view.h"
#include "sinks/mail/wrap.h"
#include "sinks/template.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *message(const char *subject, const char *text)
{
    char first[] = "a@example.org", second[] = "b@example.org", *addresses[] = {first, second};
    struct tw_texts to = {2, addresses};
    struct tw_mail mail = {.from = "t@example.org",
                           .to = &to,
                           .subject = subject,
                           .date = "Fri, 31 Jul 2026 09:15:00 +0000",
                           .id = "1@trainward.example.org",
                           .thread_id = "0@trainward.example.org",
                           .boundary = "=_b",
                           .text = text,
                           .html = "<p>\n"};
    size_t size = 0;
    char *ret = tw_mime_message(&mail, &size);
    assert_int_equal(size, strlen(ret));
    return ret;
}

static void a_mail_is_these_bytes(void **state)
{
    (void)state;
    char *mail = message("short", "one\n");
    assert_string_equal(mail, "From: t@example.org\r\n"
                              "To: a@example.org, b@example.org\r\n"
                              "Subject: short\r\n"
                              "Date: Fri, 31 Jul 2026 09:15:00 +0000\r\n"
                              "Message-ID: <1@trainward.example.org>\r\n"
                              "In-Reply-To: <0@trainward.example.org>\r\n"
                              "References: <0@trainward.example.org>\r\n"
                              "Auto-Submitted: auto-generated\r\n"
                              "X-Auto-Response-Suppress: All\r\n"
                              "Precedence: bulk\r\n"
                              "MIME-Version: 1.0\r\n"
                              "Content-Type: multipart/alternative; boundary=\"=_b\"\r\n"
                              "\r\n"
                              "--=_b\r\n"
                              "Content-Type: text/plain; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: quoted-printable\r\n"
                              "\r\n"
                              "one\r\n"
                              "--=_b\r\n"
                              "Content-Type: text/html; charset=utf-8\r\n"
                              "Content-Transfer-Encoding: quoted-printable\r\n"
                              "\r\n"
                              "<p>\r\n"
                              "--=_b--\r\n");
    free(mail);
}

/* Expected values: Python 3.11, quopri.encodestring() of the same bytes (binary line ends apart).
 */
static void bodies_are_quoted_printable(void **state)
{
    (void)state;
    char *mail = message("s", "0.3 \xe2\x86\x92 0.03 = less\ntrailing \nend");
    assert_non_null(strstr(mail, "\r\n0.3 =E2=86=92 0.03 =3D less\r\ntrailing=20\r\nend\r\n--=_b"));
    free(mail);
}

static void no_line_is_longer_than_the_standards_allow(void **state)
{
    (void)state;
    char text[2000], *rest = NULL;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t i = 7; i < sizeof text; i += 97)
        text[i] = i % 2 ? '=' : ' ';
    char *mail = message("many words many words many words many words many words many words many "
                         "words many words",
                         text);
    for (char *line = strtok_r(mail, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest))
        assert_true(strlen(line) <= 78);
    free(mail);
}

static void a_value_cannot_begin_a_header(void **state)
{
    (void)state;
    char *mail = message("run x\r\nBcc: victim@example.org", "t\n");
    assert_null(strstr(mail, "\nBcc:"));
    assert_non_null(strstr(mail, "Subject: run x Bcc: victim@example.org\r\n"));
    free(mail);
    mail = message("\xc3\xa9\r\nBcc: victim@example.org", "t\n");
    assert_null(strstr(mail, "\nBcc:"));
    free(mail);
}

/* RFC 2047: 'é' is =C3=A9 in Q, a space is '_', a word has at most 75 characters. */
static void other_alphabets_become_encoded_words(void **state)
{
    (void)state;
    char *mail = message("Lauf \xc3\xa9t\xc3\xa9", "t\n");
    assert_non_null(strstr(mail, "Subject: =?UTF-8?Q?Lauf_=C3=A9t=C3=A9?=\r\n"));
    free(mail);
    mail = message("=?UTF-8?Q?forged?=", "t\n");
    assert_null(strstr(mail, "Subject: =?UTF-8?Q?forged?="));
    free(mail);
    char subject[200] = "";
    for (int i = 0; i < 40; i++)
        strcat(subject, "\xe2\x86\x92"); /* no character may be cut in two */
    mail = message(subject, "t\n");
    assert_non_null(strstr(mail, "=E2=86=92?=\r\n =?UTF-8?Q?=E2=86=92"));
    free(mail);
}

/* RFC 2047, 5: the name of an address may be encoded, the address may not. */
static void names_are_encoded_and_addresses_are_not(void **state)
{
    (void)state;
    char first[] = "Jos\xc3\xa9 <a@example.org>", second[] = "b@example.org",
         third[] = "\"=?forged?=\" <c@example.org>", *addresses[] = {first, second, third};
    struct tw_texts to = {3, addresses};
    struct tw_mail mail = {.from = "\"Trainw\xc3\xa4"
                                   "chter \\\"7\\\"\" <t@example.org>",
                           .to = &to,
                           .subject = "s",
                           .date = "",
                           .id = "1",
                           .boundary = "b",
                           .text = "",
                           .html = ""};
    size_t size;
    static const char expected[] = "From: =?UTF-8?Q?Trainw=C3=A4chter_=227=22?= <t@example.org>\r\n"
                                   "To: =?UTF-8?Q?Jos=C3=A9?= <a@example.org>, b@example.org,\r\n"
                                   " =?UTF-8?Q?=3D=3Fforged=3F=3D?= <c@example.org>\r\n";
    char *text = tw_mime_message(&mail, &size);
    text[strlen(expected)] = '\0';
    assert_string_equal(text, expected);
    free(text);
}

/* 2000-02-29 was a Tuesday, 1969-12-31 a Wednesday (cal). */
static void dates_are_those_of_the_document(void **state)
{
    (void)state;
    char date[64];
    assert_string_equal(tw_mail_date("2000-02-29T23:59:58.123Z", date),
                        "Tue, 29 Feb 2000 23:59:58 +0000");
    assert_string_equal(tw_mail_date("1969-12-31T00:00:00.000Z", date),
                        "Wed, 31 Dec 1969 00:00:00 +0000");
}

static void addresses_are_taken_out_of_their_brackets(void **state)
{
    (void)state;
    char address[64];
    assert_int_equal(tw_mail_address("Training <t@example.org>", "from", address, 64, NULL), 0);
    assert_string_equal(address, "t@example.org");
    assert_int_equal(tw_mail_address("t@example.org", "from", address, 64, NULL), 0);
    static const char *const wrong[] = {"",      "t",       "@example.org",   "t@",
                                        "a@b@c", "a b@c.d", "a@b.c\r\nRCPT:", "x <a@b.c> y"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(tw_mail_address(wrong[i], "from", address, 64, NULL), -EINVAL);
}

/* The base64 text: python3 -c "import base64; print(base64.b64encode(bytes(range(60))))". */
static void pictures_stand_beside_the_html(void **state)
{
    (void)state;
    unsigned char bytes[60];
    char address[] = "a@example.org", *addresses[] = {address};
    struct tw_texts to = {1, addresses};
    struct tw_mail_image image = {"c@example.org", bytes, sizeof bytes};
    struct tw_mail mail = {.from = "t@example.org",
                           .to = &to,
                           .subject = "s",
                           .date = "Fri, 31 Jul 2026 09:15:00 +0000",
                           .id = "1@example.org",
                           .list_id = "trainward.example.org",
                           .list_name = "team mail",
                           .boundary = "=_b",
                           .text = "t\n",
                           .html = "<p>\n",
                           .images = &image,
                           .n_images = 1};
    size_t size = 0;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)i;
    char *text = tw_mime_message(&mail, &size);
    assert_non_null(strstr(text, "\r\nList-Id: team mail <trainward.example.org>\r\n"));
    assert_non_null(strstr(text, "t\r\n--=_b\r\nContent-Type: multipart/related; "
                                 "type=\"text/html\"; boundary=\"=_b_r\"\r\n\r\n--=_b_r\r\n"));
    assert_non_null(
        strstr(text, "Content-ID: <c@example.org>\r\nContent-Disposition: inline; "
                     "filename=\"chart.png\"\r\n\r\n"
                     "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4"
                     "\r\nOTo7\r\n--=_b_r--\r\n--=_b--\r\n"));
    free(text);
}

static void nothing_behind_a_value_gets_into_a_header(void **state)
{
    (void)state;
    char subject[] = "short\n\0secret";
    char *mail = message(subject, "t\n");
    assert_non_null(strstr(mail, "\r\nSubject: short\r\nDate:"));
    free(mail);
}

static void expect_wrapped(const char *text, unsigned columns, const char *expected)
{
    char *wrapped = tw_mail_wrap(text, columns);
    assert_string_equal(wrapped, expected);
    free(wrapped);
}

static void long_lines_of_text_are_wrapped(void **state)
{
    (void)state;
    expect_wrapped("one two three\n", 7, "one two\nthree\n");
    expect_wrapped("  one two three", 7, "  one\n  two\n  three");
    expect_wrapped("    a command stays whole\nabc\n\n", 7, "    a command stays whole\nabc\n\n");
    expect_wrapped("a verylongword b", 5, "a\nverylongword\nb");
    expect_wrapped("\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9", 5, "\xc3\xa9\xc3\xa9 \xc3\xa9\xc3\xa9");
}

static unsigned number_at(const unsigned char *bytes)
{
    return (unsigned)bytes[0] << 24 | (unsigned)bytes[1] << 16 | (unsigned)bytes[2] << 8 | bytes[3];
}

/* PNG (RFC 2083): 8 bytes of signature, then IHDR with width and height. */
static void a_chart_is_a_picture_of_twice_its_size(void **state)
{
    (void)state;
    unsigned char *bytes = NULL, *again = NULL;
    size_t size = 0, again_size = 0;
    json_t *chart = json_loads("{\"signal\": \"loss\", \"onset_step\": 2, \"points\": "
                               "[[0, 1], [1, null], [2, 3.5], [3, 1e300]]}",
                               0, NULL);
    assert_int_equal(tw_mail_chart(&bytes, &size, chart, NULL), 0);
    assert_memory_equal(bytes, "\x89PNG\r\n\x1a\n", 8);
    assert_int_equal(number_at(bytes + 16), 2 * TW_MAIL_CHART_WIDTH);
    assert_int_equal(number_at(bytes + 20), 2 * TW_MAIL_CHART_HEIGHT);
    assert_int_equal(tw_mail_chart(&again, &again_size, chart, NULL), 0);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, bytes, size);
    free(bytes);
    free(again);
    json_decref(chart);
}

static void a_chart_of_nothing_is_none(void **state)
{
    (void)state;
    static const char *const charts[] = {"{}",
                                         "{\"points\": 3}",
                                         "{\"points\": []}",
                                         "{\"points\": [[1, 2]]}",
                                         "{\"points\": [[1, null], [2, null]]}",
                                         "{\"points\": [[1, 2], [1, 3]]}",
                                         "{\"points\": [[1, -1.7e308], [2, 1.7e308]]}",
                                         "{\"points\": [1, \"x\", [\"y\", 2]]}"};
    for (size_t i = 0; i < sizeof charts / sizeof *charts; i++) {
        unsigned char *bytes = NULL;
        size_t size;
        json_t *chart = json_loads(charts[i], 0, NULL);
        assert_int_equal(tw_mail_chart(&bytes, &size, chart, NULL), -ENODATA);
        assert_null(bytes);
        json_decref(chart);
    }
}

static char *render(const char *notification, const char *template)
{
    char *text = NULL;
    json_t *object = json_loads(notification, 0, NULL), *view = tw_mail_view(object, "[t]");
    assert_int_equal(tw_mustache_render(&text, template, view, TW_TEMPLATE_PLAIN, NULL), 0);
    json_decref(view);
    json_decref(object);
    return text;
}

static void what_an_alert_lacks_is_not_taken_from_around_it(void **state)
{
    (void)state;
    char *text =
        render("{\"to\": [\"a@b.c\"], \"link\": \"all\", \"alerts\": [{\"status\": "
               "\"firing\", \"suggestions\": [{\"parameter\": \"p\", \"from\": \"1\"}]}]}",
               "{{#alerts}}{{#link}}L{{/link}}{{#suggestions}}{{#to}}T{{/to}}"
               "{{#from}}F{{/from}}{{parameter}}{{/suggestions}}{{/alerts}} {{fleet_link}}");
    assert_string_equal(text, "p all");
    free(text);
}

static void an_alert_is_called_by_what_became_of_it(void **state)
{
    (void)state;
    char *text = render("{\"alerts\": [{\"status\": \"firing\", \"severity\": \"critical\", "
                        "\"title\": \"overflow\"}, {\"status\": \"false-alarm\", \"severity\": "
                        "\"critical\", \"title\": \"divergence\"}]}",
                        "{{#alerts}}{{heading}}{{#is_firing}}!{{/is_firing}} {{/alerts}}");
    assert_string_equal(text, "CRITICAL overflow! FALSE ALARM divergence ");
    free(text);
}

static void settings_that_cannot_work_are_refused(void **state)
{
    (void)state;
    static const struct tw_mail_server wrong[] = {
        {.url = "http://a"},
        {.url = "smtp://user:secret@a"},
        {.url = "smtp://a\r\nRCPT TO:<x>"},
        {.url = "smtp://a", .username = "u"},
        {.url = "smtp://a", .username = "u", .password = "p", .tls = TW_MAIL_TLS_NONE},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(tw_mail_server_check(&wrong[i], NULL), -EINVAL);
}

static void tls_is_required_unless_nobody_can_listen(void **state)
{
    (void)state;
    static const struct {
        struct tw_mail_server server;
        enum tw_mail_tls expected;
    } cases[] = {
        {{.url = "smtp://mail.example.org:587"}, TW_MAIL_TLS_REQUIRED},
        {{.url = "smtp://localhost.example.org"}, TW_MAIL_TLS_REQUIRED},
        {{.url = "smtp://localhost:25"}, TW_MAIL_TLS_NONE},
        {{.url = "smtp://127.0.0.1"}, TW_MAIL_TLS_NONE},
        {{.url = "smtp://[::1]:25"}, TW_MAIL_TLS_NONE},
        {{.url = "smtp://localhost", .username = "u", .password = "p"}, TW_MAIL_TLS_REQUIRED},
        {{.url = "smtp://a", .tls = TW_MAIL_TLS_OPPORTUNISTIC}, TW_MAIL_TLS_OPPORTUNISTIC},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(tw_mail_server_tls(&cases[i].server), cases[i].expected);
}

static void hosts_and_ports_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *url, *host;
        unsigned port;
    } cases[] = {{"smtp://a.b:587", "a.b", 587},
                 {"smtp://a.b", "a.b", 25},
                 {"smtps://a.b/", "a.b", 465},
                 {"smtp://[::1]:26", "::1", 26},
                 {"smtp://[::1]", "::1", 25}};
    char host[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tw_mail_server server = {.url = cases[i].url};
        assert_string_equal(tw_mail_server_host(&server, host, sizeof host), cases[i].host);
        assert_int_equal(tw_mail_server_port(&server), cases[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_is_these_bytes),
        cmocka_unit_test(bodies_are_quoted_printable),
        cmocka_unit_test(no_line_is_longer_than_the_standards_allow),
        cmocka_unit_test(a_value_cannot_begin_a_header),
        cmocka_unit_test(other_alphabets_become_encoded_words),
        cmocka_unit_test(names_are_encoded_and_addresses_are_not),
        cmocka_unit_test(dates_are_those_of_the_document),
        cmocka_unit_test(addresses_are_taken_out_of_their_brackets),
        cmocka_unit_test(pictures_stand_beside_the_html),
        cmocka_unit_test(nothing_behind_a_value_gets_into_a_header),
        cmocka_unit_test(long_lines_of_text_are_wrapped),
        cmocka_unit_test(a_chart_is_a_picture_of_twice_its_size),
        cmocka_unit_test(a_chart_of_nothing_is_none),
        cmocka_unit_test(what_an_alert_lacks_is_not_taken_from_around_it),
        cmocka_unit_test(an_alert_is_called_by_what_became_of_it),
        cmocka_unit_test(settings_that_cannot_work_are_refused),
        cmocka_unit_test(tls_is_required_unless_nobody_can_listen),
        cmocka_unit_test(hosts_and_ports_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Mails as bytes. */
#include "sample_advisory.h"
#include "sinks/mail_text.h"
#include "sinks/mail/mime.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

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

static void parse(struct tw_document *ret, char *text)
{
    char reason[128];
    if (!tw_document_parse(ret, text, strlen(text), reason, sizeof reason))
        fail_msg("%s", reason);
}

static void subjects_tell_what_and_what_to_change(void **state)
{
    (void)state;
    struct sample sample;
    struct tw_document document;
    char subject[256];
    sample_init(&sample);
    char *text = tw_episode_document(&sample.advisory);
    parse(&document, text);
    assert_string_equal(tw_mail_subject(&document, "[trainward]", subject, sizeof subject),
                        "[trainward] CRITICAL gradient explosion in layer fc2 in run resnet: "
                        "learning_rate 0.3 -> 0.03 (x0.1)");
    tw_document_release(&document);
    free(text);
    sample.advisory.action = TW_ACTION_WITHDRAWN;
    text = tw_episode_document(&sample.advisory);
    parse(&document, text);
    assert_string_equal(tw_mail_subject(&document, NULL, subject, sizeof subject),
                        "Withdrawn: gradient explosion in layer fc2 in run resnet");
    tw_document_release(&document);
    free(text);
}

static void html_shows_the_change_and_escapes_what_the_job_says(void **state)
{
    (void)state;
    struct sample sample;
    struct tw_document document;
    sample_init(&sample);
    sample.advisory.run.name = "<script>alert('x')</script>&\"";
    char *text = tw_episode_document(&sample.advisory);
    parse(&document, text);
    char *html = tw_mail_html(&document);
    assert_null(strstr(html, "<script"));
    assert_non_null(strstr(html, "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;"));
    assert_non_null(strstr(html, "learning_rate 0.3 \xe2\x86\x92 0.03 (\xc3\x97"
                                 "0.1)"));
    assert_non_null(strstr(html, ">linear<")); /* evidence beyond the fixed fields */
    free(html);
    tw_document_release(&document);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_is_these_bytes),
        cmocka_unit_test(bodies_are_quoted_printable),
        cmocka_unit_test(no_line_is_longer_than_the_standards_allow),
        cmocka_unit_test(a_value_cannot_begin_a_header),
        cmocka_unit_test(other_alphabets_become_encoded_words),
        cmocka_unit_test(dates_are_those_of_the_document),
        cmocka_unit_test(addresses_are_taken_out_of_their_brackets),
        cmocka_unit_test(subjects_tell_what_and_what_to_change),
        cmocka_unit_test(html_shows_the_change_and_escapes_what_the_job_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

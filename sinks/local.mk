# sinks/: readers of the advisory log that deliver, and the one delivery loop.
noinst_LTLIBRARIES += libsinks.la
libsinks_la_SOURCES = \
	sinks/backoff.c sinks/backoff.h \
	sinks/curl_client.c sinks/curl_client.h \
	sinks/dead_letters.c sinks/dead_letters.h \
	sinks/delivery.c sinks/delivery.h \
	sinks/describe.c \
	sinks/document.c sinks/document.h \
	sinks/elasticsearch.c \
	sinks/elasticsearch_bulk.c sinks/elasticsearch_bulk.h \
	sinks/elasticsearch_check.c \
	sinks/elasticsearch_client.c sinks/elasticsearch_client.h \
	sinks/elasticsearch_error.c sinks/elasticsearch_error.h \
	sinks/elasticsearch_objects.c sinks/elasticsearch_objects.h \
	sinks/elasticsearch_setup.c sinks/elasticsearch_setup.h \
	sinks/elasticsearch_shipment.c sinks/elasticsearch_shipment.h \
	sinks/email.c \
	sinks/fault.c sinks/fault.h \
	sinks/http_answer.c sinks/http_answer.h \
	sinks/http_login.c sinks/http_login.h \
	sinks/kibana.c sinks/kibana.h \
	sinks/kibana_client.c sinks/kibana_client.h \
	sinks/kibana_objects.c sinks/kibana_objects.h \
	sinks/kibana_setup.c sinks/kibana_setup.h \
	sinks/mail/chart.c sinks/mail/chart.h \
	sinks/mail/curl.c \
	sinks/mail/dialogue.c sinks/mail/dialogue.h \
	sinks/mail/esmtp.c \
	sinks/mail/helper.c sinks/mail/helper.h \
	sinks/mail/mailer.c sinks/mail/mailer.h \
	sinks/mail/message.c sinks/mail/message.h \
	sinks/mail/mime.c sinks/mail/mime.h \
	sinks/mail/server.c \
	sinks/mail/templates.c sinks/mail/templates.h \
	sinks/mail/transport.h \
	sinks/mail/transports.c \
	sinks/mail/view.c sinks/mail/view.h \
	sinks/mail/wrap.c sinks/mail/wrap.h \
	sinks/notify/alert.c sinks/notify/alert.h \
	sinks/notify/groups.c sinks/notify/groups.h \
	sinks/notify/groups_due.c \
	sinks/notify/groups_make.c \
	sinks/notify/groups_outbox.c \
	sinks/notify/groups_parts.h \
	sinks/notify/groups_records.c \
	sinks/notify/limits.c sinks/notify/limits.h \
	sinks/notify/notification.c sinks/notify/notification.h \
	sinks/notify/notification_alert.c sinks/notify/notification_alert.h \
	sinks/notify/pasted.c sinks/notify/pasted.h \
	sinks/notify/notifications_topic.h \
	sinks/notify/notifier.c sinks/notify/notifier.h \
	sinks/notify/options.c sinks/notify/options.h \
	sinks/notify/route.c sinks/notify/route.h \
	sinks/notify/silence_file.c sinks/notify/silence_file.h \
	sinks/notify/silence_store.c sinks/notify/silence_store.h \
	sinks/notify/silence_topic.c \
	sinks/notify/silences.c sinks/notify/silences.h \
	sinks/notify/store.c sinks/notify/store.h \
	sinks/notify/store_file.c \
	sinks/notify/store_kafka.c \
	sinks/notify/store_kind.h \
	sinks/notify/subject.c sinks/notify/subject.h \
	sinks/notify/times.c sinks/notify/times.h \
	sinks/sink.h \
	sinks/sinks.c \
	sinks/terminal.c sinks/terminal.h \
	sinks/terminal_render.c \
	sinks/webhook.c \
	sinks/webhook/answer.c sinks/webhook/answer.h \
	sinks/webhook/body.c sinks/webhook/body.h \
	sinks/webhook/signature.c sinks/webhook/signature.h
libsinks_la_CPPFLAGS = $(AM_CPPFLAGS) -DTW_LIBEXECDIR='"$(pkglibexecdir)"'
nodist_libsinks_la_SOURCES = sinks/elasticsearch_charts.c sinks/elasticsearch_template.c \
	sinks/mail_templates.c
libsinks_la_CFLAGS = $(AM_CFLAGS) $(CAIRO_CFLAGS)
libsinks_la_LIBADD = libtemplate.la -lstdc++ $(CAIRO_LIBS) $(JANSSON_LIBS) $(CURL_LIBS) \
	$(CRYPTO_LIBS) $(ZLIB_LIBS) $(RDKAFKA_LIBS)

# Apart, since all else is linked as C.
noinst_LTLIBRARIES += libtemplate.la
libtemplate_la_SOURCES = sinks/template.cpp sinks/template.h
libtemplate_la_CXXFLAGS = -std=c++17 -fvisibility=hidden -Wall -Wextra $(SANITIZERS) $(JANSSON_CFLAGS)

EMBED_TEMPLATE = $(AM_V_GEN)$(MKDIR_P) sinks && name=$$(basename $@ .c) && \
	$(EMBED) $$name $(top_srcdir)/sinks/$$name.json > $@.tmp && mv $@.tmp $@
sinks/elasticsearch_template.c: sinks/elasticsearch_template.json build-aux/embed.sh
	$(EMBED_TEMPLATE)
sinks/elasticsearch_charts.c: sinks/elasticsearch_charts.json build-aux/embed.sh
	$(EMBED_TEMPLATE)
EXTRA_DIST += sinks/elasticsearch_charts.json sinks/elasticsearch_template.json
CLEANFILES += sinks/elasticsearch_charts.c sinks/elasticsearch_template.c

# The mails' templates: built in, and installed for people to copy.
mail_templates = sinks/mail/subject.mustache sinks/mail/text.mustache sinks/mail/html.mustache
sinks/mail_templates.c: $(mail_templates) build-aux/embed.sh
	$(AM_V_GEN)$(MKDIR_P) sinks && for part in subject text html; do \
		$(EMBED) mail_$$part $(top_srcdir)/sinks/mail/$$part.mustache || exit 1; \
	done > $@.tmp && mv $@.tmp $@
mailtemplatesdir = $(pkgdatadir)/mail
dist_mailtemplates_DATA = $(mail_templates)
CLEANFILES += sinks/mail_templates.c

# The mail transport "esmtp" in its process: all that links libesmtp.
if HAVE_ESMTP
pkglibexec_PROGRAMS += trainward-esmtp
trainward_esmtp_SOURCES = agent/esmtp_main.c \
	sinks/fault.c sinks/fault.h \
	sinks/mail/dialogue.c sinks/mail/dialogue.h \
	sinks/mail/server.c \
	sinks/mail/session.c sinks/mail/session.h sinks/mail/session_parts.h \
	sinks/mail/session_tls.c \
	sinks/mail/transport.h
trainward_esmtp_CFLAGS = $(AM_CFLAGS) $(ESMTP_CFLAGS)
trainward_esmtp_LDADD = libtelemetry.la $(ESMTP_LIBS) $(JANSSON_LIBS) $(CRYPTO_LIBS)
endif

SINK_LIBS = libsinks.la libadvisories.la librules.la libdetectors.la libtelemetry.la

if HAVE_CMOCKA
SINK_UNIT_TESTS = \
	tests/unit/test_delivery \
	tests/unit/test_elasticsearch_bulk \
	tests/unit/test_elasticsearch_objects \
	tests/unit/test_groups \
	tests/unit/test_pasted \
	tests/unit/test_mail \
	tests/unit/test_notify_store \
	tests/unit/test_sinks \
	tests/unit/test_template \
	tests/unit/test_terminal
SINK_UNIT_LIBS = $(SINK_LIBS) $(UNIT_LIBS)
check_PROGRAMS += $(SINK_UNIT_TESTS)
TESTS += $(SINK_UNIT_TESTS)
tests_unit_test_groups_SOURCES = tests/unit/test_groups.c tests/unit/groups_fixture.h \
	tests/unit/sample_advisory.h
tests_unit_test_groups_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_pasted_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_delivery_SOURCES = tests/unit/test_delivery.c tests/unit/temporary_directory.h
tests_unit_test_delivery_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_elasticsearch_bulk_SOURCES = tests/unit/test_elasticsearch_bulk.c
tests_unit_test_elasticsearch_bulk_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_elasticsearch_objects_SOURCES = tests/unit/test_elasticsearch_objects.c
tests_unit_test_elasticsearch_objects_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_mail_SOURCES = tests/unit/test_mail.c
tests_unit_test_mail_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_notify_store_SOURCES = tests/unit/test_notify_store.c \
	tests/unit/temporary_directory.h
tests_unit_test_notify_store_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_sinks_SOURCES = tests/unit/test_sinks.c tests/unit/sample_advisory.h
tests_unit_test_sinks_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_template_SOURCES = tests/unit/test_template.c
tests_unit_test_template_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_terminal_SOURCES = tests/unit/test_terminal.c tests/unit/sample_advisory.h
tests_unit_test_terminal_LDADD = $(SINK_UNIT_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_bulk_response
tests_fuzz_fuzz_bulk_response_SOURCES = tests/fuzz/fuzz_bulk_response.c
tests_fuzz_fuzz_bulk_response_LDADD = $(SINK_LIBS)
tests_fuzz_fuzz_bulk_response_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

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
	sinks/email.c \
	sinks/http_answer.c sinks/http_answer.h \
	sinks/http_login.c sinks/http_login.h \
	sinks/kibana.c sinks/kibana.h \
	sinks/kibana_client.c sinks/kibana_client.h \
	sinks/kibana_objects.c sinks/kibana_objects.h \
	sinks/kibana_setup.c sinks/kibana_setup.h \
	sinks/mail_html.c \
	sinks/mail_text.c sinks/mail_text.h \
	sinks/mime.c sinks/mime.h \
	sinks/sink.h sinks/sinks.c \
	sinks/smtp.c sinks/smtp.h \
	sinks/terminal.c sinks/terminal.h sinks/terminal_render.c
nodist_libsinks_la_SOURCES = sinks/elasticsearch_charts.c sinks/elasticsearch_template.c
libsinks_la_LIBADD = $(JANSSON_LIBS) $(CURL_LIBS) $(CRYPTO_LIBS) $(ZLIB_LIBS)

EMBED_TEMPLATE = $(AM_V_GEN)$(MKDIR_P) sinks && name=$$(basename $@ .c) && \
	$(EMBED) $$name $(top_srcdir)/sinks/$$name.json > $@.tmp && mv $@.tmp $@
sinks/elasticsearch_template.c: sinks/elasticsearch_template.json build-aux/embed.sh
	$(EMBED_TEMPLATE)
sinks/elasticsearch_charts.c: sinks/elasticsearch_charts.json build-aux/embed.sh
	$(EMBED_TEMPLATE)
EXTRA_DIST += sinks/elasticsearch_charts.json sinks/elasticsearch_template.json
CLEANFILES += sinks/elasticsearch_charts.c sinks/elasticsearch_template.c

SINK_LIBS = libsinks.la libadvisories.la librules.la libdetectors.la libtelemetry.la

if HAVE_CMOCKA
SINK_UNIT_TESTS = tests/unit/test_delivery tests/unit/test_elasticsearch_bulk \
	tests/unit/test_elasticsearch_objects tests/unit/test_mail \
	tests/unit/test_sinks tests/unit/test_terminal
SINK_UNIT_LIBS = $(SINK_LIBS) $(UNIT_LIBS)
check_PROGRAMS += $(SINK_UNIT_TESTS)
TESTS += $(SINK_UNIT_TESTS)
tests_unit_test_delivery_SOURCES = tests/unit/test_delivery.c tests/unit/temporary_directory.h
tests_unit_test_delivery_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_elasticsearch_bulk_SOURCES = tests/unit/test_elasticsearch_bulk.c
tests_unit_test_elasticsearch_bulk_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_elasticsearch_objects_SOURCES = tests/unit/test_elasticsearch_objects.c
tests_unit_test_elasticsearch_objects_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_mail_SOURCES = tests/unit/test_mail.c tests/unit/sample_advisory.h
tests_unit_test_mail_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_sinks_SOURCES = tests/unit/test_sinks.c tests/unit/sample_advisory.h
tests_unit_test_sinks_LDADD = $(SINK_UNIT_LIBS)
tests_unit_test_terminal_SOURCES = tests/unit/test_terminal.c tests/unit/sample_advisory.h
tests_unit_test_terminal_LDADD = $(SINK_UNIT_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_bulk_response
tests_fuzz_fuzz_bulk_response_SOURCES = tests/fuzz/fuzz_bulk_response.c
tests_fuzz_fuzz_bulk_response_LDADD = $(SINK_LIBS)
tests_fuzz_fuzz_bulk_response_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

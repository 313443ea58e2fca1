# advisories/: the advisory's document and the advisory log with its cursors.
noinst_LTLIBRARIES += libadvisories.la
libadvisories_la_SOURCES = \
	advisories/acknowledged.c advisories/acknowledged.h \
	advisories/advisory.c advisories/advisory.h \
	advisories/chart.c advisories/chart.h \
	advisories/envelope.c advisories/envelope.h \
	advisories/feedback.c advisories/feedback.h \
	advisories/files.c \
	advisories/finding_json.c advisories/finding_json.h \
	advisories/id.c \
	advisories/iso_time.c advisories/iso_time.h \
	advisories/json_text.c advisories/json_text.h \
	advisories/log.c advisories/log.h advisories/log_kind.h \
	advisories/log_file.c advisories/log_file.h \
	advisories/log_file_reader.c advisories/log_file_reader.h \
	advisories/log_file_writer.c advisories/log_file_writer.h \
	advisories/log_segments.c advisories/log_segments.h \
	advisories/log_kafka.c \
	advisories/log_kafka_client.c advisories/log_kafka_client.h \
	advisories/log_kafka_reader.c advisories/log_kafka_reader.h \
	advisories/log_kafka_writer.c advisories/log_kafka_writer.h \
	advisories/message.c \
	advisories/recent_ids.c advisories/recent_ids.h \
	advisories/shell_word.c advisories/shell_word.h
libadvisories_la_LIBADD = $(JANSSON_LIBS) $(CRYPTO_LIBS) $(RDKAFKA_LIBS)

if HAVE_CMOCKA
ADVISORY_UNIT_TESTS = tests/unit/test_advisory tests/unit/test_advisory_log tests/unit/test_log_kafka
ADVISORY_UNIT_LIBS = libadvisories.la librules.la libdetectors.la libtelemetry.la $(UNIT_LIBS)
check_PROGRAMS += $(ADVISORY_UNIT_TESTS)
TESTS += $(ADVISORY_UNIT_TESTS)
tests_unit_test_advisory_SOURCES = tests/unit/test_advisory.c tests/unit/sample_advisory.h
tests_unit_test_advisory_LDADD = $(ADVISORY_UNIT_LIBS)
tests_unit_test_advisory_log_SOURCES = tests/unit/test_advisory_log.c tests/unit/temporary_directory.h
tests_unit_test_advisory_log_LDADD = $(ADVISORY_UNIT_LIBS)
tests_unit_test_log_kafka_SOURCES = tests/unit/test_log_kafka.c
tests_unit_test_log_kafka_LDADD = $(ADVISORY_UNIT_LIBS)
endif

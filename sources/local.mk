# sources/: ways for telemetry to come in.
noinst_LTLIBRARIES += libsources.la
libsources_la_SOURCES = \
	sources/file_wait.c sources/file_wait.h \
	sources/kafka.c sources/kafka.h \
	sources/kafka_group.c sources/kafka_source.h \
	sources/kafka_client.c sources/kafka_client.h \
	sources/kafka_nudge.c sources/kafka_nudge.h \
	sources/kafka_partitions.c sources/kafka_partitions.h \
	sources/kafka_statistics.c sources/kafka_statistics.h \
	sources/logs/format.h \
	sources/logs/formats.c \
	sources/logs/caffe.c \
	sources/logs/deepspeed.c \
	sources/logs/dict_lines.c \
	sources/logs/keras_progress.c \
	sources/logs/llmc.c \
	sources/logs/megatron.c \
	sources/logs/nanogpt.c \
	sources/logs/number.c sources/logs/number.h \
	sources/logs/text.c \
	sources/logs/text_end.c \
	sources/logs/text_log.h \
	sources/logs/text_names.c \
	sources/logs/text_parameters.c \
	sources/logs/text_row.c \
	sources/logs/text_scan.c \
	sources/logs/torchtitan.c \
	sources/probe.c sources/probe.h \
	sources/record_file.c sources/record_file.h \
	sources/merge_place.c sources/merge_place.h sources/run_directory.c \
	sources/source.h sources/sources.c
libsources_la_LIBADD = $(RDKAFKA_LIBS)

if HAVE_CMOCKA
SOURCES_TESTS = \
	tests/unit/test_kafka_source \
	tests/unit/test_kafka_statistics \
	tests/unit/test_log_number \
	tests/unit/test_log_text \
	tests/unit/test_log_trainers \
	tests/unit/test_run_directory \
	tests/unit/test_sources
check_PROGRAMS += $(SOURCES_TESTS)
TESTS += $(SOURCES_TESTS)
SOURCES_TEST_LIBS = libsources.la libtelemetry.la $(UNIT_LIBS)
tests_unit_test_kafka_source_LDADD = $(SOURCES_TEST_LIBS) $(RDKAFKA_LIBS)
tests_unit_test_kafka_statistics_LDADD = $(SOURCES_TEST_LIBS) $(JANSSON_LIBS)
tests_unit_test_log_number_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_text_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_trainers_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_run_directory_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_sources_LDADD = $(SOURCES_TEST_LIBS)
endif

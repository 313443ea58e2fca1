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
	sources/logs/crc32c.c sources/logs/crc32c.h \
	sources/logs/decimal.h \
	sources/logs/format.h \
	sources/logs/formats.c \
	sources/logs/json_leaves.c sources/logs/json_leaves.h \
	sources/logs/mlflow.c sources/logs/mlflow_status.h \
	sources/logs/mlflow_metrics.c sources/logs/mlflow_metrics.h \
	sources/logs/mlflow_run.c sources/logs/mlflow_run.h \
	sources/logs/mlflow_sqlite.c \
	sources/logs/protobuf.h \
	sources/logs/tensorboard.c \
	sources/logs/tensorboard_parameters.c sources/logs/tensorboard_parameters.h \
	sources/logs/tensorboard_tags.c sources/logs/tensorboard_tags.h \
	sources/logs/tensorboard_tensor.c sources/logs/tensorboard_tensor.h \
	sources/logs/wandb.c \
	sources/logs/wandb_blocks.c sources/logs/wandb_blocks.h \
	sources/probe.c sources/probe.h \
	sources/record_file.c sources/record_file.h \
	sources/merge_place.c sources/merge_place.h sources/run_directory.c \
	sources/source.h sources/sources.c
libsources_la_LIBADD = $(RDKAFKA_LIBS) $(JANSSON_LIBS) $(SQLITE_LIBS) $(YAML_LIBS) $(ZLIB_LIBS)

if HAVE_CMOCKA
SOURCES_TESTS = tests/unit/test_kafka_source tests/unit/test_kafka_statistics tests/unit/test_run_directory tests/unit/test_sources \
	tests/unit/test_log_mlflow \
	tests/unit/test_log_tensorboard \
	tests/unit/test_log_wandb
check_PROGRAMS += $(SOURCES_TESTS)
TESTS += $(SOURCES_TESTS)
SOURCES_TEST_LIBS = libsources.la libtelemetry.la $(UNIT_LIBS)
tests_unit_test_kafka_source_LDADD = $(SOURCES_TEST_LIBS) $(RDKAFKA_LIBS)
tests_unit_test_kafka_statistics_LDADD = $(SOURCES_TEST_LIBS) $(JANSSON_LIBS)
tests_unit_test_log_mlflow_LDADD = $(SOURCES_TEST_LIBS) $(SQLITE_LIBS)
tests_unit_test_log_tensorboard_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_tensorboard_SOURCES = tests/unit/test_log_tensorboard.c tests/unit/log_rows.h \
	tests/unit/protobuf_builder.h
tests_unit_test_log_wandb_LDADD = $(SOURCES_TEST_LIBS) $(ZLIB_LIBS)
tests_unit_test_log_wandb_SOURCES = tests/unit/test_log_wandb.c tests/unit/log_rows.h \
	tests/unit/protobuf_builder.h
tests_unit_test_run_directory_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_sources_LDADD = $(SOURCES_TEST_LIBS)
endif

# sources/: ways for telemetry to come in.
noinst_LTLIBRARIES += libsources.la
libsources_la_SOURCES = \
	sources/file_identity.c sources/file_identity.h \
	sources/file_wait.c sources/file_wait.h \
	sources/held_file.c sources/held_file.h \
	sources/kafka.c sources/kafka.h \
	sources/kafka_client.c sources/kafka_client.h \
	sources/kafka_group.c \
	sources/kafka_nudge.c sources/kafka_nudge.h \
	sources/kafka_partitions.c sources/kafka_partitions.h \
	sources/kafka_reader.c sources/kafka_reader.h \
	sources/kafka_source.h \
	sources/kafka_statistics.c sources/kafka_statistics.h \
	sources/log_file.c \
	sources/logs/algoperf.c \
	sources/logs/assemble.c sources/logs/assemble.h \
	sources/logs/assemble_axis.c sources/logs/assemble_choose.c \
	sources/logs/assemble_header.c \
	sources/logs/assemble_held.c \
	sources/logs/assemble_records.c \
	sources/logs/assemble_rows.c \
	sources/logs/assemble_state.h \
	sources/logs/assemble_told.c \
	sources/logs/boosting.c \
	sources/logs/caffe.c \
	sources/logs/companions.c sources/logs/companions.h \
	sources/logs/crc32c.c sources/logs/crc32c.h \
	sources/logs/csv.c \
	sources/logs/date_time.c sources/logs/date_time.h \
	sources/logs/darknet.c \
	sources/logs/deepmd.c \
	sources/logs/deepspeed.c \
	sources/logs/deepspeed_csv.c \
	sources/logs/dict_lines.c \
	sources/logs/encoding.c sources/logs/encoding.h \
	sources/logs/format.h \
	sources/logs/format_probe.c sources/logs/format_probe.h \
	sources/logs/formats.c \
	sources/logs/huggingface_state.c \
	sources/logs/input.c sources/logs/input.h \
	sources/logs/json_document.c \
	sources/logs/json_leaves.c sources/logs/json_leaves.h \
	sources/logs/json_lines.c \
	sources/logs/json_objects.c sources/logs/json_objects.h \
	sources/logs/json_row.c sources/logs/json_row.h \
	sources/logs/json_series.c sources/logs/json_series.h \
	sources/logs/keras_csv.c \
	sources/logs/keras_progress.c \
	sources/logs/key_values.c \
	sources/logs/lightning.c \
	sources/logs/lines.c sources/logs/lines.h \
	sources/logs/kaldi.c \
	sources/logs/llmc.c \
	sources/logs/megatron.c \
	sources/logs/mlflow.c \
	sources/logs/mlflow_metrics.c sources/logs/mlflow_metrics.h \
	sources/logs/mlflow_run.c sources/logs/mlflow_run.h \
	sources/logs/mlflow_sqlite.c \
	sources/logs/mlflow_status.h \
	sources/logs/names.c sources/logs/names.h \
	sources/logs/nanogpt.c \
	sources/logs/number.c sources/logs/number.h \
	sources/logs/packed_away.c sources/logs/packed_away.h \
	sources/logs/patience.c sources/logs/patience.h \
	sources/logs/parameter_names.c \
	sources/logs/protobuf.h \
	sources/logs/reader.c sources/logs/reader.h \
	sources/logs/repeats.c sources/logs/repeats.h \
	sources/logs/row_names.c sources/logs/row_names.h \
	sources/logs/rows_queue.c sources/logs/rows_queue.h \
	sources/logs/table.c sources/logs/table.h \
	sources/logs/table_names.c sources/logs/table_names.h \
	sources/logs/tensorboard.c \
	sources/logs/tensorboard_parameters.c sources/logs/tensorboard_parameters.h \
	sources/logs/tensorboard_tags.c sources/logs/tensorboard_tags.h \
	sources/logs/tensorboard_tensor.c sources/logs/tensorboard_tensor.h \
	sources/logs/text.c \
	sources/logs/text_bars.c \
	sources/logs/text_end.c \
	sources/logs/text_log.h \
	sources/logs/text_names.c \
	sources/logs/text_parameters.c \
	sources/logs/text_row.c \
	sources/logs/text_layout.c sources/logs/text_layout.h \
	sources/logs/text_number.c \
	sources/logs/text_place.c \
	sources/logs/text_scan.c sources/logs/text_scan.h \
	sources/logs/torchtitan.c \
	sources/logs/long_table.c \
	sources/logs/screen_table.c \
	sources/logs/series_csv.c \
	sources/logs/stable_baselines.c \
	sources/logs/wandb_export.c \
	sources/logs/tree.c sources/logs/tree.h sources/logs/tree_parts.h \
	sources/logs/tree_copies.c sources/logs/tree_events.c sources/logs/tree_members.c \
	sources/logs/tree_pairs.c sources/logs/tree_parameters.c sources/logs/tree_series.c \
	sources/logs/ultralytics.c \
	sources/logs/unpack.c sources/logs/unpack.h \
	sources/logs/wandb.c \
	sources/logs/wandb_blocks.c sources/logs/wandb_blocks.h \
	sources/logs/words.c sources/logs/words.h \
	sources/merge_place.c sources/merge_place.h \
	sources/open_log.c sources/open_log.h \
	sources/probe.c sources/probe.h \
	sources/process.c sources/process.h \
	sources/process_arguments.c sources/process_arguments.h \
	sources/process_files.c \
	sources/process_logs.c sources/process_logs.h \
	sources/process_others.c sources/process_others.h \
	sources/process_start.c \
	sources/process_text.c sources/process_text.h \
	sources/record_file.c sources/record_file.h \
	sources/run_directory.c \
	sources/source.h \
	sources/sources.c
libsources_la_LIBADD = \
	$(JANSSON_LIBS) \
	$(RDKAFKA_LIBS) \
	$(SQLITE_LIBS) \
	$(YAML_LIBS) \
	$(ZLIB_LIBS) \
	$(ZSTD_LIBS)

if HAVE_CMOCKA
WAITING_TESTS += tests/unit/test_kafka_source
SOURCES_TESTS = \
	tests/unit/test_kafka_statistics \
	tests/unit/test_log_assemble \
	tests/unit/test_log_bars \
	tests/unit/test_log_csv \
	tests/unit/test_log_input \
	tests/unit/test_log_json \
	tests/unit/test_log_layouts \
	tests/unit/test_log_lines \
	tests/unit/test_log_mlflow \
	tests/unit/test_log_names \
	tests/unit/test_log_number \
	tests/unit/test_log_protobuf \
	tests/unit/test_log_reader \
	tests/unit/test_log_repeats \
	tests/unit/test_log_source \
	tests/unit/test_log_tables \
	tests/unit/test_log_tensorboard \
	tests/unit/test_log_text \
	tests/unit/test_log_trainers \
	tests/unit/test_log_tree \
	tests/unit/test_log_wandb \
	tests/unit/test_log_words \
	tests/unit/test_process \
	tests/unit/test_run_directory \
	tests/unit/test_sources
check_PROGRAMS += $(WAITING_TESTS) $(SOURCES_TESTS)
TESTS += $(SOURCES_TESTS)
SOURCES_TEST_LIBS = libsources.la libtelemetry.la $(UNIT_LIBS)
tests_unit_test_kafka_source_LDADD = $(SOURCES_TEST_LIBS) $(RDKAFKA_LIBS)
tests_unit_test_kafka_statistics_LDADD = $(SOURCES_TEST_LIBS) $(JANSSON_LIBS)
tests_unit_test_log_assemble_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_bars_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_bars_SOURCES = tests/unit/test_log_bars.c tests/unit/log_rows.h \
	tests/unit/log_text_fixture.h
tests_unit_test_log_csv_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_csv_SOURCES = tests/unit/test_log_csv.c tests/unit/log_rows.h \
	tests/unit/log_text.h
tests_unit_test_log_json_LDADD = $(SOURCES_TEST_LIBS) $(JANSSON_LIBS)
tests_unit_test_log_json_SOURCES = tests/unit/test_log_json.c tests/unit/log_rows.h \
	tests/unit/log_text.h
tests_unit_test_log_layouts_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_layouts_SOURCES = tests/unit/test_log_layouts.c tests/unit/log_rows.h \
	tests/unit/log_text_fixture.h
tests_unit_test_log_tables_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_tables_SOURCES = tests/unit/test_log_tables.c tests/unit/log_rows.h \
	tests/unit/log_text.h
# Files that fail, and a clock that is set: a linker's wrappers stand before the calls.
failing_files = -Wl,--wrap=pread,--wrap=tw_open_log,--wrap=tw_now_seconds
tests_unit_test_log_input_LDFLAGS = $(AM_LDFLAGS) $(failing_files)
tests_unit_test_log_input_SOURCES = tests/unit/test_log_input.c tests/unit/failing_files.h
tests_unit_test_log_input_LDADD = $(SOURCES_TEST_LIBS) $(ZLIB_LIBS) $(ZSTD_LIBS)
tests_unit_test_log_lines_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_names_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_reader_LDFLAGS = $(AM_LDFLAGS) $(failing_files)
tests_unit_test_log_reader_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_source_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pread,--wrap=tw_open_log
tests_unit_test_log_source_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_tree_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_number_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_protobuf_LDADD = $(UNIT_LIBS)
tests_unit_test_log_protobuf_SOURCES = tests/unit/test_log_protobuf.c tests/unit/protobuf_builder.h
tests_unit_test_log_repeats_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_words_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_text_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_trainers_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_mlflow_LDADD = $(SOURCES_TEST_LIBS) $(SQLITE_LIBS)
tests_unit_test_log_tensorboard_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_log_tensorboard_SOURCES = tests/unit/test_log_tensorboard.c tests/unit/log_rows.h \
	tests/unit/protobuf_builder.h
tests_unit_test_log_wandb_LDADD = $(SOURCES_TEST_LIBS) $(ZLIB_LIBS)
tests_unit_test_log_wandb_SOURCES = tests/unit/test_log_wandb.c tests/unit/log_rows.h \
	tests/unit/protobuf_builder.h
tests_unit_test_process_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_run_directory_LDADD = $(SOURCES_TEST_LIBS)
tests_unit_test_sources_LDADD = $(SOURCES_TEST_LIBS)
endif

# One target a format: fuzz_log.c over the struct that is named; fuzz_log_store.c where a format opens
# files itself; fuzz_log_tree.c is about files and folders of any, while they change.
log_fuzz_libs = libsources.la libtelemetry.la
fuzz_log = tests/fuzz/fuzz_log.c tests/fuzz/log_digest.c tests/fuzz/log_digest.h \
	tests/fuzz/log_sink.c tests/fuzz/log_sink.h
fuzz_log_store = tests/fuzz/fuzz_log_store.c tests/fuzz/log_sink.c tests/fuzz/log_sink.h \
	tests/unit/temporary_directory.h
LOG_FUZZ_TESTS = \
	tests/fuzz/replay_log_algoperf \
	tests/fuzz/replay_log_csv \
	tests/fuzz/replay_log_deepmd \
	tests/fuzz/replay_log_deepspeed_csv \
	tests/fuzz/replay_log_huggingface_state \
	tests/fuzz/replay_log_json_document \
	tests/fuzz/replay_log_json_lines \
	tests/fuzz/replay_log_keras_csv \
	tests/fuzz/replay_log_key_values \
	tests/fuzz/replay_log_lightning \
	tests/fuzz/replay_log_long_table \
	tests/fuzz/replay_log_mlflow \
	tests/fuzz/replay_log_mlflow_sqlite \
	tests/fuzz/replay_log_series_csv \
	tests/fuzz/replay_log_tensorboard \
	tests/fuzz/replay_log_text \
	tests/fuzz/replay_log_tree \
	tests/fuzz/replay_log_ultralytics \
	tests/fuzz/replay_log_wandb \
	tests/fuzz/replay_log_wandb_export
check_PROGRAMS += $(LOG_FUZZ_TESTS)
TESTS += $(LOG_FUZZ_TESTS)
tests_fuzz_replay_log_algoperf_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_algoperf_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_algoperf
tests_fuzz_replay_log_algoperf_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_csv_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_csv_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_csv
tests_fuzz_replay_log_csv_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_deepmd_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_deepmd_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_deepmd
tests_fuzz_replay_log_deepmd_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_deepspeed_csv_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_deepspeed_csv_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_deepspeed_csv
tests_fuzz_replay_log_deepspeed_csv_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_huggingface_state_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_huggingface_state_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_huggingface_state
tests_fuzz_replay_log_huggingface_state_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_json_document_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_json_document_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_json_document
tests_fuzz_replay_log_json_document_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_json_lines_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_json_lines_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_json_lines
tests_fuzz_replay_log_json_lines_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_keras_csv_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_keras_csv_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_keras_csv
tests_fuzz_replay_log_keras_csv_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_key_values_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_key_values_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_key_values
tests_fuzz_replay_log_key_values_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_lightning_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_lightning_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_lightning
tests_fuzz_replay_log_lightning_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_mlflow_SOURCES = tests/fuzz/replay.c $(fuzz_log_store)
tests_fuzz_replay_log_mlflow_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_mlflow
tests_fuzz_replay_log_mlflow_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_mlflow_sqlite_SOURCES = tests/fuzz/replay.c $(fuzz_log_store)
tests_fuzz_replay_log_mlflow_sqlite_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_mlflow_sqlite
tests_fuzz_replay_log_mlflow_sqlite_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_tensorboard_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_tensorboard_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_tensorboard
tests_fuzz_replay_log_tensorboard_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_text_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_text_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_text
tests_fuzz_replay_log_text_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_tree_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_log_tree.c
tests_fuzz_replay_log_tree_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_tree_LDFLAGS = $(AM_LDFLAGS) $(failing_files)
tests_fuzz_replay_log_ultralytics_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_ultralytics_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_ultralytics
tests_fuzz_replay_log_ultralytics_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_wandb_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_wandb_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_wandb
tests_fuzz_replay_log_wandb_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_long_table_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_long_table_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_long_table
tests_fuzz_replay_log_long_table_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_series_csv_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_series_csv_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_series_csv
tests_fuzz_replay_log_series_csv_LDADD = $(log_fuzz_libs)
tests_fuzz_replay_log_wandb_export_SOURCES = tests/fuzz/replay.c $(fuzz_log)
tests_fuzz_replay_log_wandb_export_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_wandb_export
tests_fuzz_replay_log_wandb_export_LDADD = $(log_fuzz_libs)
if FUZZERS
LOG_FUZZERS = \
	tests/fuzz/fuzz_log_algoperf \
	tests/fuzz/fuzz_log_csv \
	tests/fuzz/fuzz_log_deepmd \
	tests/fuzz/fuzz_log_deepspeed_csv \
	tests/fuzz/fuzz_log_huggingface_state \
	tests/fuzz/fuzz_log_json_document \
	tests/fuzz/fuzz_log_json_lines \
	tests/fuzz/fuzz_log_keras_csv \
	tests/fuzz/fuzz_log_key_values \
	tests/fuzz/fuzz_log_lightning \
	tests/fuzz/fuzz_log_long_table \
	tests/fuzz/fuzz_log_mlflow \
	tests/fuzz/fuzz_log_mlflow_sqlite \
	tests/fuzz/fuzz_log_series_csv \
	tests/fuzz/fuzz_log_tensorboard \
	tests/fuzz/fuzz_log_text \
	tests/fuzz/fuzz_log_tree \
	tests/fuzz/fuzz_log_ultralytics \
	tests/fuzz/fuzz_log_wandb \
	tests/fuzz/fuzz_log_wandb_export
noinst_PROGRAMS += $(LOG_FUZZERS)
tests_fuzz_fuzz_log_algoperf_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_algoperf_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_algoperf
tests_fuzz_fuzz_log_algoperf_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_algoperf_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_csv_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_csv_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_csv
tests_fuzz_fuzz_log_csv_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_csv_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_deepmd_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_deepmd_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_deepmd
tests_fuzz_fuzz_log_deepmd_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_deepmd_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_deepspeed_csv_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_deepspeed_csv_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_deepspeed_csv
tests_fuzz_fuzz_log_deepspeed_csv_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_deepspeed_csv_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_huggingface_state_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_huggingface_state_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_huggingface_state
tests_fuzz_fuzz_log_huggingface_state_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_huggingface_state_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_json_document_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_json_document_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_json_document
tests_fuzz_fuzz_log_json_document_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_json_document_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_json_lines_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_json_lines_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_json_lines
tests_fuzz_fuzz_log_json_lines_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_json_lines_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_keras_csv_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_keras_csv_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_keras_csv
tests_fuzz_fuzz_log_keras_csv_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_keras_csv_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_key_values_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_key_values_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_key_values
tests_fuzz_fuzz_log_key_values_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_key_values_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_lightning_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_lightning_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_lightning
tests_fuzz_fuzz_log_lightning_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_lightning_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_mlflow_SOURCES = $(fuzz_log_store)
tests_fuzz_fuzz_log_mlflow_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_mlflow
tests_fuzz_fuzz_log_mlflow_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_mlflow_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_mlflow_sqlite_SOURCES = $(fuzz_log_store)
tests_fuzz_fuzz_log_mlflow_sqlite_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_mlflow_sqlite
tests_fuzz_fuzz_log_mlflow_sqlite_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_mlflow_sqlite_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_tensorboard_SOURCES = $(fuzz_log) tests/fuzz/mutate_records.c
tests_fuzz_fuzz_log_tensorboard_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_tensorboard
tests_fuzz_fuzz_log_tensorboard_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_tensorboard_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_text_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_text_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_text
tests_fuzz_fuzz_log_text_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_text_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_tree_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_tree_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer $(failing_files)
tests_fuzz_fuzz_log_ultralytics_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_ultralytics_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_ultralytics
tests_fuzz_fuzz_log_ultralytics_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_ultralytics_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_wandb_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_wandb_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_wandb
tests_fuzz_fuzz_log_wandb_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_wandb_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_long_table_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_long_table_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_long_table
tests_fuzz_fuzz_log_long_table_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_long_table_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_series_csv_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_series_csv_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_series_csv
tests_fuzz_fuzz_log_series_csv_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_series_csv_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_log_wandb_export_SOURCES = $(fuzz_log)
tests_fuzz_fuzz_log_wandb_export_CPPFLAGS = $(AM_CPPFLAGS) -DTW_FUZZ_FORMAT=tw_log_format_wandb_export
tests_fuzz_fuzz_log_wandb_export_LDADD = $(log_fuzz_libs)
tests_fuzz_fuzz_log_wandb_export_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

# Fuzzes the readers of logs for SECONDS in all, one after the other, in a build of their own.
SECONDS = 1800
FUZZ_CC = clang-14
.PHONY: fuzz-logs
fuzz-logs:
	$(MKDIR_P) fuzz
	test -f fuzz/Makefile || (cd fuzz && $(abs_top_srcdir)/configure --quiet --enable-fuzzers \
		CC='$(FUZZ_CC)' CFLAGS='-g -O1')
	$(MAKE) -C fuzz fuzz-log-targets
	$(SHELL) $(top_srcdir)/tests/fuzz/run_logs.sh fuzz $(SECONDS)
.PHONY: fuzz-log-targets
fuzz-log-targets: $(LOG_FUZZERS)

# How many lines of the readers of logs their corpora run, by file, in a build of its own.
.PHONY: coverage-logs
coverage-logs:
	$(MKDIR_P) coverage
	test -f coverage/Makefile || (cd coverage && $(abs_top_srcdir)/configure --quiet \
		--disable-lto --without-simdjson CFLAGS='-g -O0 --coverage' LDFLAGS=--coverage)
	$(MAKE) -C coverage log-replays
	$(SHELL) $(top_srcdir)/tests/fuzz/coverage_logs.sh coverage
.PHONY: log-replays
log-replays: $(LOG_FUZZ_TESTS)

# One bug in each reader, which the corpora must find.
.PHONY: planted-bugs
planted-bugs:
	python3 $(top_srcdir)/tests/fuzz/planted_bugs.py $(abs_top_srcdir) $(abs_top_builddir)/planted
EXTRA_DIST += tests/fuzz/run_logs.sh tests/fuzz/coverage_logs.sh tests/fuzz/planted_bugs.py \
	tests/fuzz/make_log_corpus.py
EXTRA_DIST += docs/fuzzing.md tests/fuzz/run_logs.sh tests/fuzz/coverage_logs.sh

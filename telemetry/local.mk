# telemetry/: the record, its wire forms, run files, the emitter. Built twice: a convenience library
# for our programs, and libtrainward, the shared library with a controlled export list.
noinst_LTLIBRARIES += libtelemetry.la
libtelemetry_la_CFLAGS = $(AM_CFLAGS) $(LTO_CFLAGS)
libtelemetry_la_SOURCES = \
	telemetry/cbor_cursor.c telemetry/cbor_cursor.h \
	telemetry/cbor_decode.c \
	telemetry/cbor_encode.c \
	telemetry/cbor_item.c telemetry/cbor_item.h \
	telemetry/cbor_resync.c \
	telemetry/clock.c telemetry/clock.h \
	telemetry/directories.c telemetry/directories.h \
	telemetry/emitter.c telemetry/emitter.h \
	telemetry/emitter_again.c telemetry/emitter_again.h \
	telemetry/emitter_frame.c telemetry/emitter_frame.h \
	telemetry/emitter_kafka.c telemetry/emitter_kafka.h \
	telemetry/emitter_writer.c telemetry/emitter_writer.h \
	telemetry/error.c telemetry/error.h \
	telemetry/fields.c telemetry/fields.h \
	telemetry/json_decode.c telemetry/json_decode.h \
	telemetry/json_encode.c \
	telemetry/json_words.c telemetry/json_words.h \
	telemetry/kafka_destroy.c telemetry/kafka_destroy.h \
	telemetry/kafka_new.c telemetry/kafka_new.h \
	telemetry/kafka_properties.c telemetry/kafka_properties.h \
	telemetry/kafka_trouble.c telemetry/kafka_trouble.h \
	telemetry/message.c \
	telemetry/nearest.c telemetry/nearest.h \
	telemetry/option.c telemetry/option.h \
	telemetry/reader.c telemetry/reader.h \
	telemetry/reader_values.c telemetry/reader_values.h \
	telemetry/record.c telemetry/record.h \
	telemetry/record_pack.c telemetry/record_pack.h \
	telemetry/ring.c telemetry/ring.h \
	telemetry/run_file.c telemetry/run_file.h \
	telemetry/run_file_tail.c telemetry/run_file_tail.h \
	telemetry/run_header.c \
	telemetry/statistics.h \
	telemetry/statistics/avx2.c \
	telemetry/statistics/f16c.h \
	telemetry/statistics/avx512.c \
	telemetry/statistics/float_mode.h telemetry/statistics/kernel.h telemetry/statistics/plain.h \
	telemetry/statistics/portable.c \
	telemetry/statistics/statistics.c \
	telemetry/text.c telemetry/text.h \
	telemetry/wire.h \
	telemetry/writer.c telemetry/writer.h
libtelemetry_la_LIBADD = $(CBOR_LIBS) $(JANSSON_LIBS) $(RDKAFKA_LIBS)

# Apart, since all else is linked as C.
if HAVE_SIMDJSON
noinst_LTLIBRARIES += libjsonsimd.la
libjsonsimd_la_SOURCES = telemetry/json_simd.cpp telemetry/json_simd.h
libjsonsimd_la_CXXFLAGS = -std=c++17 -fno-exceptions -fno-rtti -fvisibility=hidden \
	-Wall -Wextra $(SANITIZERS) $(SIMDJSON_CFLAGS)
libjsonsimd_la_LIBADD = $(SIMDJSON_LIBS)
libtelemetry_la_LIBADD += libjsonsimd.la -lstdc++
endif

# The shared library is the convenience library behind an export list: tests/check_exports.sh
# compares the two.
lib_LTLIBRARIES += libtrainward.la
libtrainward_la_SOURCES =
libtrainward_la_LIBADD = libtelemetry.la
libtrainward_la_LDFLAGS = $(AM_LDFLAGS) -no-undefined -version-info 0:0:0 \
	-export-symbols $(srcdir)/telemetry/trainward.sym
EXTRA_libtrainward_la_DEPENDENCIES = telemetry/trainward.sym
EXTRA_DIST += telemetry/trainward.sym

trainwardincludedir = $(includedir)/trainward
trainwardinclude_HEADERS = telemetry/emitter.h telemetry/error.h telemetry/record.h \
	telemetry/run_file.h telemetry/statistics.h telemetry/wire.h
pkgconfigdir = $(libdir)/pkgconfig
pkgconfig_DATA = telemetry/trainward.pc

TESTS += tests/check_exports.sh
EXTRA_DIST += tests/check_exports.sh

if HAVE_CMOCKA
telemetry_unit_tests = \
	tests/unit/test_cbor \
	tests/unit/test_emitter \
	tests/unit/test_emitter_cost \
	tests/unit/test_emitter_kafka \
	tests/unit/test_json \
	tests/unit/test_kafka_properties \
	tests/unit/test_kafka_trouble \
	tests/unit/test_nearest \
	tests/unit/test_record \
	tests/unit/test_record_pack \
	tests/unit/test_ring \
	tests/unit/test_run_file \
	tests/unit/test_statistics \
	tests/unit/test_wire_memory
check_PROGRAMS += $(telemetry_unit_tests)
TESTS += $(telemetry_unit_tests)
telemetry_unit_libs = libtelemetry.la $(UNIT_LIBS)
wire_samples = tests/unit/wire_samples.c tests/unit/wire_samples.h
tests_unit_test_cbor_SOURCES = tests/unit/test_cbor.c $(wire_samples)
tests_unit_test_cbor_LDADD = $(telemetry_unit_libs)
tests_unit_test_json_SOURCES = tests/unit/test_json.c $(wire_samples)
tests_unit_test_json_LDADD = $(telemetry_unit_libs)
if HAVE_SIMDJSON
check_PROGRAMS += tests/unit/test_json_simd
TESTS += tests/unit/test_json_simd
tests_unit_test_json_simd_SOURCES = tests/unit/test_json_simd.c $(wire_samples)
tests_unit_test_json_simd_LDADD = $(telemetry_unit_libs)
endif
tests_unit_test_record_SOURCES = tests/unit/test_record.c $(wire_samples)
tests_unit_test_record_LDADD = $(telemetry_unit_libs)
tests_unit_test_record_pack_SOURCES = tests/unit/test_record_pack.c $(wire_samples)
tests_unit_test_record_pack_LDADD = $(telemetry_unit_libs)
tests_unit_test_wire_memory_SOURCES = tests/unit/test_wire_memory.c $(wire_samples)
tests_unit_test_wire_memory_LDADD = $(telemetry_unit_libs)
tests_unit_test_kafka_properties_LDADD = $(telemetry_unit_libs) $(RDKAFKA_LIBS)
tests_unit_test_kafka_trouble_LDADD = $(telemetry_unit_libs) $(RDKAFKA_LIBS)
tests_unit_test_nearest_LDADD = $(telemetry_unit_libs)
tests_unit_test_ring_SOURCES = tests/unit/test_ring.c
tests_unit_test_ring_LDADD = $(telemetry_unit_libs)
tests_unit_test_run_file_SOURCES = tests/unit/test_run_file.c tests/unit/temporary_directory.h \
	$(wire_samples)
tests_unit_test_run_file_LDADD = $(telemetry_unit_libs)
tests_unit_test_statistics_LDADD = $(telemetry_unit_libs)
tests_unit_test_emitter_SOURCES = tests/unit/test_emitter.c tests/unit/temporary_directory.h \
	$(wire_samples)
tests_unit_test_emitter_LDADD = $(telemetry_unit_libs)
tests_unit_test_emitter_cost_SOURCES = tests/unit/test_emitter_cost.c \
	tests/unit/temporary_directory.h $(wire_samples)
tests_unit_test_emitter_cost_LDADD = $(telemetry_unit_libs)
tests_unit_test_emitter_kafka_SOURCES = tests/unit/test_emitter_kafka.c \
	tests/unit/temporary_directory.h $(wire_samples)
tests_unit_test_emitter_kafka_LDADD = $(telemetry_unit_libs)
endif

# The wire forms under any bytes: libFuzzer targets (configure with --enable-fuzzers CC=clang), and
# the same targets fed with the corpus by every `make check`.
fuzz_targets = tests/fuzz/replay_cbor tests/fuzz/replay_json tests/fuzz/replay_message
check_PROGRAMS += $(fuzz_targets)
TESTS += $(fuzz_targets)
fuzz_check = tests/fuzz/check.c tests/fuzz/check.h
tests_fuzz_replay_cbor_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_cbor.c $(fuzz_check)
tests_fuzz_replay_cbor_LDADD = libtelemetry.la
tests_fuzz_replay_json_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_json.c $(fuzz_check)
tests_fuzz_replay_json_LDADD = libtelemetry.la
tests_fuzz_replay_message_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_message.c $(fuzz_check)
tests_fuzz_replay_message_LDADD = libtelemetry.la
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/make_corpus.py

if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_cbor tests/fuzz/fuzz_json tests/fuzz/fuzz_message
tests_fuzz_fuzz_cbor_SOURCES = tests/fuzz/fuzz_cbor.c $(fuzz_check)
tests_fuzz_fuzz_cbor_LDADD = libtelemetry.la
tests_fuzz_fuzz_cbor_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(fuzz_check)
tests_fuzz_fuzz_json_LDADD = libtelemetry.la
tests_fuzz_fuzz_json_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_message_SOURCES = tests/fuzz/fuzz_message.c $(fuzz_check)
tests_fuzz_fuzz_message_LDADD = libtelemetry.la
tests_fuzz_fuzz_message_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

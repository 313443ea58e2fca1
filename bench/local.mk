# bench/: the benchmarks. `make bench` runs them and writes bench/results.json; they are no part of
# `make check`, but for a run with tiny sizes that asserts no time.
check_PROGRAMS += bench/trainward-bench
bench_trainward_bench_LDFLAGS = $(program_ldflags)
bench_trainward_bench_SOURCES = \
	bench/analyze_logs.c \
	bench/benchmarks.c \
	bench/dead_broker.c \
	bench/decode.c \
	bench/emit.c \
	bench/gemm_share.c \
	bench/harness.c bench/harness.h \
	bench/machine.c bench/machine.h \
	bench/main.c \
	bench/monitoring_cost.c \
	bench/perceptron.c bench/perceptron.h \
	bench/read_bandwidth.c bench/read_bandwidth.h \
	bench/statistics.c \
	bench/synthetic_stream.c bench/synthetic_stream.h \
	bench/warm_runs.c bench/warm_runs.h \
	bench/watch.c
bench_trainward_bench_LDADD = $(AGENT_LIBS) libtrainer.la $(JANSSON_LIBS) $(OPENBLAS_LIBS) \
	$(POPT_LIBS)

# What the Kafka benchmarks do in C; bench/kafka_bench.py runs it against a broker of its own.
check_PROGRAMS += bench/trainward-bench-kafka
bench_trainward_bench_kafka_SOURCES = \
	bench/harness.c bench/harness.h \
	bench/kafka_fill.c bench/kafka_latency.c bench/kafka_noop.c bench/kafka_seed.c \
	bench/kafka_tool.c bench/kafka_tool.h \
	bench/synthetic_stream.c bench/synthetic_stream.h \
	bench/warm_runs.c bench/warm_runs.h
bench_trainward_bench_kafka_LDADD = $(AGENT_LIBS) $(RDKAFKA_LIBS) $(JANSSON_LIBS) $(POPT_LIBS)

# The same for the search sink: bench/search_bench.py runs it and curl against an OpenSearch.
check_PROGRAMS += bench/trainward-bench-search
bench_trainward_bench_search_SOURCES = bench/search_deliver.c
bench_trainward_bench_search_LDADD = $(SINK_LIBS)

.PHONY: bench
bench: bench/trainward-bench$(EXEEXT)
	bench/trainward-bench$(EXEEXT) --output bench/results.json
	$(MAKE) $(AM_MAKEFLAGS) bench-kafka
	$(MAKE) $(AM_MAKEFLAGS) bench-search

# Needs an OpenSearch, which starts from its jars as for the tests.
.PHONY: bench-search
bench-search: trainward$(EXEEXT) bench/trainward-bench-search$(EXEEXT)
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/venv
	TW_BUILD=$(abs_top_builddir) TW_BIN=$(abs_top_builddir) $(abs_top_builddir)/venv/bin/python \
		$(top_srcdir)/bench/search_bench.py --output bench/results.json
EXTRA_DIST += bench/search_bench.py

# Those that need a broker, which starts from its jars as for the tests: some twenty minutes, added
# to the same file. `make bench-kafka KAFKA_FIGURES=two_agents_vs_one` measures one.
.PHONY: bench-kafka
bench-kafka: trainward$(EXEEXT) bench/trainward-bench-kafka$(EXEEXT)
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/venv
	TW_BUILD=$(abs_top_builddir) $(abs_top_builddir)/venv/bin/python \
		$(top_srcdir)/bench/kafka_bench.py --output bench/results.json $(KAFKA_FIGURES)
EXTRA_DIST += bench/kafka_bench.py
CLEANFILES += bench/results.json

TESTS += tests/check_bench.sh
EXTRA_DIST += docs/benchmarks.md tests/check_bench.sh

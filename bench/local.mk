# bench/: the benchmarks. `make bench` runs them and writes bench/results.json; they are no part of
# `make check`, but for a run with tiny sizes that asserts no time.
check_PROGRAMS += bench/trainward-bench
bench_trainward_bench_SOURCES = \
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
	bench/statistics.c
bench_trainward_bench_LDADD = libtrainer.la libtelemetry.la $(JANSSON_LIBS) $(OPENBLAS_LIBS) \
	$(POPT_LIBS)

.PHONY: bench
bench: bench/trainward-bench$(EXEEXT)
	bench/trainward-bench$(EXEEXT) --output bench/results.json
CLEANFILES += bench/results.json

TESTS += tests/check_bench.sh
EXTRA_DIST += docs/benchmarks.md tests/check_bench.sh

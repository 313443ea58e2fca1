# trainer/: the instrumented trainer, and its program trainward-train.
noinst_LTLIBRARIES += libtrainer.la
libtrainer_la_SOURCES = \
	trainer/checkpoint.c trainer/checkpoint.h \
	trainer/checkpoint_list.c trainer/checkpoint_list.h \
	trainer/compute_threads.c trainer/compute_threads.h \
	trainer/config.c trainer/config.h \
	trainer/datasets/breast_cancer.c \
	trainer/datasets/bytes.c trainer/datasets/bytes.h \
	trainer/datasets/csv.c \
	trainer/datasets/data.c \
	trainer/datasets/dataset.h trainer/datasets/datasets.c \
	trainer/datasets/diabetes.c \
	trainer/datasets/digits.c \
	trainer/datasets/idx.c trainer/datasets/idx.h \
	trainer/datasets/table.c trainer/datasets/table.h \
	trainer/initializers/he.c \
	trainer/initializers/initializer.h trainer/initializers/initializers.c \
	trainer/initializers/normal.c \
	trainer/initializers/xavier.c \
	trainer/layers/batch_norm.c \
	trainer/layers/dropout.c \
	trainer/layers/gelu.c \
	trainer/layers/layer.h trainer/layers/layers.c \
	trainer/layers/leaky_relu.c \
	trainer/layers/linear.c \
	trainer/layers/relu.c \
	trainer/layers/sigmoid.c \
	trainer/layers/tanh.c \
	trainer/loss_scaler.c trainer/loss_scaler.h \
	trainer/losses/loss.h trainer/losses/losses.c \
	trainer/losses/mse.c \
	trainer/losses/softmax_cross_entropy.c \
	trainer/model.c trainer/model.h \
	trainer/optimizers/adam.c \
	trainer/optimizers/optimizer.h trainer/optimizers/optimizers.c \
	trainer/optimizers/sgd.c \
	trainer/precisions/bf16.c \
	trainer/precisions/fp16.c \
	trainer/precisions/fp32.c \
	trainer/precisions/precision.h trainer/precisions/precisions.c \
	trainer/optimizers/squares.h \
	trainer/random.c trainer/random.h \
	trainer/recorder.c trainer/recorder.h \
	trainer/schedules/constant.c \
	trainer/schedules/cosine.c \
	trainer/schedules/linear.c \
	trainer/schedules/schedule.h trainer/schedules/schedules.c \
	trainer/schedules/step.c \
	trainer/trainer.c trainer/trainer.h \
	trainer/training.c trainer/training.h \
	trainer/vector_math.h \
	trainer/vectors.h
nodist_libtrainer_la_SOURCES = $(trainer_embedded)
libtrainer_la_LIBADD = $(OPENBLAS_LIBS) $(CSV_LIBS) $(ZLIB_LIBS)

EXTRA_DIST += docs/training.md tests/tools/record_pytorch.py \
	trainer/datasets/breast_cancer.csv trainer/datasets/breast_cancer.LICENSE \
	trainer/datasets/diabetes.csv trainer/datasets/diabetes.LICENSE \
	trainer/datasets/digits.csv trainer/datasets/digits.LICENSE

trainer_embedded = trainer/breast_cancer_embedded.c trainer/diabetes_embedded.c \
	trainer/digits_embedded.c
BUILT_SOURCES += $(trainer_embedded)
CLEANFILES += $(trainer_embedded)
EMBED_DATASET = $(AM_V_GEN)$(MKDIR_P) trainer && name=$$(basename $@ _embedded.c) && \
	$(EMBED) $$name $(top_srcdir)/trainer/datasets/$$name.csv >$@.tmp && mv $@.tmp $@
trainer/breast_cancer_embedded.c: trainer/datasets/breast_cancer.csv build-aux/embed.sh
	$(EMBED_DATASET)
trainer/diabetes_embedded.c: trainer/datasets/diabetes.csv build-aux/embed.sh
	$(EMBED_DATASET)
trainer/digits_embedded.c: trainer/datasets/digits.csv build-aux/embed.sh
	$(EMBED_DATASET)

# The program's parts that have tests of their own.
noinst_LTLIBRARIES += libtrainprogram.la
libtrainprogram_la_SOURCES = \
	agent/progress.c agent/progress.h \
	agent/train_options.c agent/train_options.h \
	agent/train_resume.c agent/train_resume.h \
	agent/train_watch.c agent/train_watch.h

bin_PROGRAMS += trainward-train
trainward_train_LDFLAGS = $(program_ldflags)
trainward_train_SOURCES = agent/train_main.c
trainward_train_LDADD = libtrainprogram.la libtrainer.la libagent.la libsinks.la libadvisories.la \
	librules.la libdetectors.la libsources.la libtelemetry.la $(POPT_LIBS)

# The readers of data under any bytes (see telemetry/local.mk).
check_PROGRAMS += tests/fuzz/replay_idx tests/fuzz/replay_table
TESTS += tests/fuzz/replay_idx tests/fuzz/replay_table
tests_fuzz_replay_idx_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_idx.c
tests_fuzz_replay_idx_LDADD = libtrainer.la libtelemetry.la
tests_fuzz_replay_table_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz_table.c
tests_fuzz_replay_table_LDADD = libtrainer.la libtelemetry.la

if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_idx tests/fuzz/fuzz_table
tests_fuzz_fuzz_idx_LDADD = libtrainer.la libtelemetry.la
tests_fuzz_fuzz_idx_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_table_LDADD = libtrainer.la libtelemetry.la
tests_fuzz_fuzz_table_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

if HAVE_CMOCKA
TRAINER_TESTS = \
	tests/unit/test_progress \
	tests/unit/test_train_options \
	tests/unit/test_trainer_data \
	tests/unit/test_trainer_gradients \
	tests/unit/test_trainer_layers \
	tests/unit/test_trainer_math \
	tests/unit/test_trainer_precision \
	tests/unit/test_trainer_pytorch \
	tests/unit/test_trainer_run
check_PROGRAMS += $(TRAINER_TESTS)
TESTS += $(TRAINER_TESTS)
TRAINER_TEST_LIBS = libtrainer.la libtelemetry.la $(UNIT_LIBS)
tests_unit_test_progress_LDADD = libtrainprogram.la libtelemetry.la $(UNIT_LIBS)
tests_unit_test_train_options_LDADD = libtrainprogram.la libagent.la $(TRAINER_TEST_LIBS) $(POPT_LIBS)
tests_unit_test_trainer_data_LDADD = $(TRAINER_TEST_LIBS) $(ZLIB_LIBS)
tests_unit_test_trainer_gradients_LDADD = $(TRAINER_TEST_LIBS)
tests_unit_test_trainer_layers_LDADD = $(TRAINER_TEST_LIBS)
tests_unit_test_trainer_math_LDADD = $(TRAINER_TEST_LIBS)
tests_unit_test_trainer_precision_LDADD = $(TRAINER_TEST_LIBS)
tests_unit_test_trainer_pytorch_SOURCES = tests/unit/test_trainer_pytorch.c tests/data/pytorch.h
tests_unit_test_trainer_pytorch_LDADD = $(TRAINER_TEST_LIBS)
tests_unit_test_trainer_run_LDADD = $(TRAINER_TEST_LIBS)
endif

# trainer/: the instrumented trainer, and its program trainward-train.
noinst_LTLIBRARIES += libtrainer.la
libtrainer_la_SOURCES = \
	trainer/checkpoint.c trainer/checkpoint.h \
	trainer/compute_threads.c trainer/compute_threads.h \
	trainer/config.c trainer/config.h \
	trainer/datasets/csv.c \
	trainer/datasets/dataset.h trainer/datasets/datasets.c \
	trainer/datasets/digits.c \
	trainer/initializers/he.c \
	trainer/initializers/initializer.h trainer/initializers/initializers.c \
	trainer/initializers/xavier.c \
	trainer/layers/layer.h trainer/layers/layers.c \
	trainer/layers/linear.c \
	trainer/layers/relu.c \
	trainer/layers/sigmoid.c \
	trainer/layers/tanh.c \
	trainer/losses/loss.h trainer/losses/losses.c \
	trainer/losses/softmax_cross_entropy.c \
	trainer/model.c trainer/model.h \
	trainer/optimizers/adam.c \
	trainer/optimizers/optimizer.h trainer/optimizers/optimizers.c \
	trainer/optimizers/sgd.c \
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
	trainer/vectors.h
nodist_libtrainer_la_SOURCES = trainer/digits_embedded.c
libtrainer_la_LIBADD = $(OPENBLAS_LIBS) $(ZLIB_LIBS)

EXTRA_DIST += docs/training.md trainer/datasets/digits.csv trainer/datasets/digits.LICENSE

BUILT_SOURCES += trainer/digits_embedded.c
CLEANFILES += trainer/digits_embedded.c
trainer/digits_embedded.c: trainer/datasets/digits.csv build-aux/embed.sh
	$(AM_V_GEN)$(MKDIR_P) trainer && \
	$(EMBED) digits $(top_srcdir)/trainer/datasets/digits.csv >$@.tmp && mv $@.tmp $@

# The program's parts that have tests of their own.
noinst_LTLIBRARIES += libtrainprogram.la
libtrainprogram_la_SOURCES = \
	agent/progress.c agent/progress.h \
	agent/train_options.c agent/train_options.h \
	agent/train_watch.c agent/train_watch.h

bin_PROGRAMS += trainward-train
trainward_train_SOURCES = agent/train_main.c
trainward_train_LDADD = libtrainprogram.la libtrainer.la libagent.la libsinks.la libadvisories.la \
	librules.la libdetectors.la libsources.la libtelemetry.la $(POPT_LIBS)

if HAVE_CMOCKA
TRAINER_TESTS = \
	tests/unit/test_progress \
	tests/unit/test_train_options \
	tests/unit/test_trainer_data \
	tests/unit/test_trainer_gradients \
	tests/unit/test_trainer_math \
	tests/unit/test_trainer_run
check_PROGRAMS += $(TRAINER_TESTS)
TESTS += $(TRAINER_TESTS)
TRAINER_TEST_LIBS = libtrainer.la libtelemetry.la $(UNIT_LIBS)
tests_unit_test_progress_LDADD = libtrainprogram.la libtelemetry.la $(UNIT_LIBS)
tests_unit_test_train_options_LDADD = libtrainprogram.la libagent.la $(TRAINER_TEST_LIBS) $(POPT_LIBS)
tests_unit_test_trainer_data_LDADD = $(TRAINER_TEST_LIBS) $(ZLIB_LIBS)
tests_unit_test_trainer_gradients_LDADD = $(TRAINER_TEST_LIBS)
tests_unit_test_trainer_math_LDADD = $(TRAINER_TEST_LIBS)
tests_unit_test_trainer_run_LDADD = $(TRAINER_TEST_LIBS)
endif

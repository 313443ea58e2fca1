# agent/: the watch, the configuration, the commands and every main().
noinst_LTLIBRARIES += libagent.la
libagent_la_SOURCES = \
	agent/analysis.c agent/analysis.h \
	agent/episodes.c agent/episodes.h \
	agent/find_runs.c agent/find_runs.h \
	agent/logging.c agent/logging.h \
	agent/nearest.c agent/nearest.h \
	agent/report.h agent/report_json.c agent/report_text.c \
	agent/run.c agent/run.h \
	agent/run_series.c agent/run_series.h \
	agent/settings.c agent/settings.h \
	agent/shell_command.c agent/shell_command.h \
	agent/snapshot.c agent/snapshot.h \
	agent/watch.c agent/watch.h
libagent_la_LIBADD = $(JANSSON_LIBS) $(ZLIB_LIBS)

if HAVE_CMOCKA
AGENT_TESTS = tests/unit/test_episodes tests/unit/test_shell_command tests/unit/test_watch
check_PROGRAMS += $(AGENT_TESTS)
TESTS += $(AGENT_TESTS)
AGENT_TEST_LIBS = libagent.la libsinks.la libadvisories.la librules.la libdetectors.la \
	libsources.la libtelemetry.la $(UNIT_LIBS)
tests_unit_test_episodes_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_shell_command_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_watch_LDADD = $(AGENT_TEST_LIBS)
endif

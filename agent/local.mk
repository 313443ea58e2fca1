# agent/: the watch, the configuration, the commands and every main().
noinst_LTLIBRARIES += libagent.la
libagent_la_SOURCES = \
	agent/analysis.c agent/analysis.h \
	agent/causes.c agent/causes.h \
	agent/chart_buckets.c agent/chart_buckets.h \
	agent/charts.c agent/charts.h \
	agent/compare_runs.c agent/compare_runs.h \
	agent/config.c agent/config.h \
	agent/config_compare.c agent/config_compare.h \
	agent/config_expand.c \
	agent/config_loader.h \
	agent/config_override.c \
	agent/config_print.c agent/config_print.h \
	agent/config_sections.c \
	agent/config_table.c \
	agent/config_yaml.c \
	agent/daemon.c agent/daemon.h \
	agent/daemon_feedback.c \
	agent/daemon_figures.c \
	agent/daemon_parts.c agent/daemon_parts.h \
	agent/daemon_signals.c \
	agent/dead_letter_topic.c agent/dead_letter_topic.h \
	agent/dead_letters.c agent/dead_letters.h \
	agent/dismissed.c agent/dismissed.h \
	agent/episode_chart.c agent/episode_chart.h \
	agent/episodes.c agent/episodes.h \
	agent/feed.c agent/feed.h \
	agent/feed_directory.c \
	agent/feed_kafka.c agent/feed_kafka.h \
	agent/feed_kafka_figures.c \
	agent/feed_kafka_judge.c \
	agent/feed_kafka_restore.c \
	agent/feed_kafka_save.c \
	agent/feed_kafka_silence.c \
	agent/feedback_files.c agent/feedback_files.h \
	agent/feedback_reader.c agent/feedback_reader.h \
	agent/find_logs.c agent/find_logs.h \
	agent/find_runs.c agent/find_runs.h \
	agent/heartbeat.c agent/heartbeat.h \
	agent/html_text.c agent/html_text.h \
	agent/http_server.c agent/http_server.h \
	agent/kafka_admin.c agent/kafka_admin.h \
	agent/load_rules.c agent/load_rules.h \
	agent/job_command.c agent/job_command.h \
	agent/job_output.c agent/job_output.h \
	agent/job_logs.c agent/job_logs.h \
	agent/known_logs.c agent/known_logs.h \
	agent/lanes.c agent/lanes.h \
	agent/read_ahead.c agent/read_ahead.h \
	agent/logging.c agent/logging.h \
	agent/metrics.c agent/metrics.h \
	agent/metrics_json.c \
	agent/metrics_text.c \
	agent/notify.c agent/notify.h \
	agent/outage.c agent/outage.h \
	agent/plot_text.c agent/plot_text.h \
	agent/projects.c agent/projects.h \
	agent/ranks.c agent/ranks.h \
	agent/ranks_combine.c agent/ranks_combine.h \
	agent/ranks_lag.c \
	agent/ranks_queue.c agent/ranks_queue.h \
	agent/ranks_roster.c \
	agent/ranks_save.c \
	agent/ranks_state.h \
	agent/ranks_take.c \
	agent/repeats.c agent/repeats.h \
	agent/report.h \
	agent/report_json.c \
	agent/report_page.c agent/report_page.h \
	agent/report_page_advice.c \
	agent/report_page_charts.c \
	agent/report_page_run.c \
	agent/report_text.c \
	agent/refused_states.c agent/refused_states.h agent/feed_kafka_refused.c \
	agent/feed_wait.c agent/feed_wait.h \
	agent/retired.c agent/retired.h \
	agent/rotated_name.c agent/rotated_name.h \
	agent/run.c agent/run.h \
	agent/run_chart.c agent/run_chart.h \
	agent/run_series.c agent/run_series.h \
	agent/run_summary.c agent/run_summary.h \
	agent/run_table.c agent/run_table.h \
	agent/settings.c agent/settings.h \
	agent/shell_command.c agent/shell_command.h \
	agent/scores.c agent/scores.h \
	agent/silence.c agent/silence.h \
	agent/slab.c agent/slab.h \
	agent/snapshot.c agent/snapshot.h \
	agent/state_files.c agent/state_files.h \
	agent/state_kafka.c agent/state_kafka.h \
	agent/tally.h \
	agent/text_table.c agent/text_table.h \
	agent/topics.c agent/topics.h \
	agent/topics_compare.c agent/topics_compare.h \
	agent/twin_logs.c agent/twin_logs.h \
	agent/unsaved.c agent/unsaved.h \
	agent/verdict_status.c agent/verdict_status.h \
	agent/watch.c agent/watch.h agent/watch_parts.h \
	agent/watch_charts.c \
	agent/watch_episodes.c agent/watch_ranks.c agent/watch_silence.c
nodist_libagent_la_SOURCES = agent/page_style.c agent/page_script.c
libagent_la_LIBADD = $(JANSSON_LIBS) $(ZLIB_LIBS) $(YAML_LIBS) $(RDKAFKA_LIBS) $(CRYPTO_LIBS) \
	$(CURL_LIBS) $(MICROHTTPD_LIBS)

# What pages of `analyze --html` carry with them: see NOTICE.
PAGE_STYLE = agent/page/uPlot.min.css agent/page/page.css
PAGE_SCRIPT = agent/page/uPlot.iife.min.js agent/page/page.js
EXTRA_DIST += NOTICE $(PAGE_STYLE) $(PAGE_SCRIPT) agent/page/uPlot.LICENSE
CLEANFILES += agent/page_style.c agent/page_script.c
agent/page_style.c: $(PAGE_STYLE) build-aux/embed.sh
	$(AM_V_GEN)$(MKDIR_P) agent && cd $(srcdir) && $(SHELL) build-aux/embed.sh page_style \
		$(PAGE_STYLE) >$(abs_builddir)/$@.part && mv $(abs_builddir)/$@.part $(abs_builddir)/$@
agent/page_script.c: $(PAGE_SCRIPT) build-aux/embed.sh
	$(AM_V_GEN)$(MKDIR_P) agent && cd $(srcdir) && $(SHELL) build-aux/embed.sh page_script \
		$(PAGE_SCRIPT) >$(abs_builddir)/$@.part && mv $(abs_builddir)/$@.part $(abs_builddir)/$@

bin_PROGRAMS += trainward
trainward_LDFLAGS = $(program_ldflags)
trainward_SOURCES = agent/main.c \
	agent/check_kafka.c agent/check_kafka.h \
	agent/command.h \
	agent/command_agent.c \
	agent/command_analyze.c \
	agent/attach.c agent/attach.h \
	agent/attach_changes.c \
	agent/attach_exec.c agent/attach_exec.h \
	agent/attach_known.c agent/attach_parts.h agent/attach_twins.c \
	agent/attach_origin.c agent/attach_origin.h \
	agent/command_attach.c \
	agent/command_check.c \
	agent/command_feedback.c \
	agent/command_rules.c \
	agent/command_setup.c \
	agent/command_silence.c \
	agent/command_status.c \
	agent/command_train.c \
	agent/commands.c agent/commands.h \
	agent/configurations.c agent/configurations.h \
	agent/each_log.c agent/each_log.h \
	agent/rules_dry_run.c agent/rules_dry_run.h \
	agent/setup_kafka.c agent/setup_kafka.h \
	agent/status_text.c agent/status_text.h \
	agent/usage.c agent/usage.h \
	agent/user_name.c agent/user_name.h
AGENT_LIBS = libagent.la libsinks.la libadvisories.la librules.la libdetectors.la libsources.la \
	libtelemetry.la
trainward_LDADD = $(AGENT_LIBS) $(POPT_LIBS)

if HAVE_CMOCKA
AGENT_TESTS = \
	tests/unit/test_analysis \
	tests/unit/test_attach_twins \
	tests/unit/test_causes \
	tests/unit/test_chart_buckets \
	tests/unit/test_run_chart \
	tests/unit/test_compare_runs \
	tests/unit/test_config \
	tests/unit/test_episodes \
	tests/unit/test_dead_letters \
	tests/unit/test_feed_directory \
	tests/unit/test_feed_wait \
	tests/unit/test_heartbeat \
	tests/unit/test_job_output \
	tests/unit/test_lanes \
	tests/unit/test_metrics \
	tests/unit/test_projects \
	tests/unit/test_ranks \
	tests/unit/test_read_ahead \
	tests/unit/test_refused_states \
	tests/unit/test_retired_ids \
	tests/unit/test_episode_chart \
	tests/unit/test_run_table \
	tests/unit/test_scores \
	tests/unit/test_settings \
	tests/unit/test_shell_command \
	tests/unit/test_silence \
	tests/unit/test_rotated_name \
	tests/unit/test_twin_logs \
	tests/unit/test_watch \
	tests/unit/test_watch_ranks
check_PROGRAMS += $(AGENT_TESTS)
TESTS += $(AGENT_TESTS)
AGENT_TEST_LIBS = $(AGENT_LIBS) $(UNIT_LIBS)
tests_unit_test_analysis_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_attach_twins_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_causes_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_chart_buckets_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_run_chart_SOURCES = tests/unit/test_run_chart.c tests/unit/watch_fixture.h
tests_unit_test_run_chart_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_compare_runs_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_config_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_episodes_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_projects_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_projects_SOURCES = tests/unit/test_projects.c tests/unit/silence_fixture.h
tests_unit_test_ranks_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_episode_chart_SOURCES = tests/unit/test_episode_chart.c tests/unit/watch_fixture.h
tests_unit_test_episode_chart_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_run_table_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_retired_ids_SOURCES = tests/unit/test_retired_ids.c tests/unit/silence_fixture.h
tests_unit_test_retired_ids_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_refused_states_SOURCES = tests/unit/test_refused_states.c
tests_unit_test_refused_states_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_dead_letters_SOURCES = tests/unit/test_dead_letters.c \
	tests/unit/temporary_directory.h
tests_unit_test_dead_letters_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_feed_directory_SOURCES = tests/unit/test_feed_directory.c \
	tests/unit/temporary_directory.h
tests_unit_test_feed_directory_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_feed_wait_SOURCES = tests/unit/test_feed_wait.c
tests_unit_test_feed_wait_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_heartbeat_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_lanes_SOURCES = tests/unit/test_lanes.c tests/unit/watch_fixture.h
tests_unit_test_lanes_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_metrics_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_read_ahead_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_scores_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_settings_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_shell_command_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_silence_SOURCES = tests/unit/test_silence.c tests/unit/silence_fixture.h
tests_unit_test_silence_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_job_output_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_rotated_name_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_twin_logs_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_watch_SOURCES = tests/unit/test_watch.c tests/unit/watch_fixture.h
tests_unit_test_watch_LDADD = $(AGENT_TEST_LIBS)
tests_unit_test_watch_ranks_SOURCES = tests/unit/test_watch_ranks.c tests/unit/watch_fixture.h
tests_unit_test_watch_ranks_LDADD = $(AGENT_TEST_LIBS)
endif

if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_CFLAGS = $(AM_CFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_config_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_fuzz_config_LDADD = $(AGENT_LIBS)
endif

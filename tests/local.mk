# tests/: the includes' arrows, tools of the system tests, and everything that these need in a
# tarball. Unit tests stand in the makefile of the room that they test. ../run-tests runs all.
TESTS += build-aux/check-includes.sh build-aux/check-format.sh
EXTRA_DIST += LICENSE .clang-format quickstart run-tests .ci/run \
	build-aux/build.sh build-aux/check-format.sh build-aux/check-includes.sh \
	build-aux/install-packages.sh build-aux/python-venv.sh

check_PROGRAMS += tests/tools/emit_stream
tests_tools_emit_stream_SOURCES = tests/tools/emit_stream.c
tests_tools_emit_stream_LDADD = libtelemetry.la

# Sends notifications by a sink, as the delivery loop would.
check_PROGRAMS += tests/tools/send_notifications
tests_tools_send_notifications_SOURCES = tests/tools/send_notifications.c
tests_tools_send_notifications_LDADD = $(SINK_LIBS)

# Prints what a log format makes of a log.
check_PROGRAMS += tests/tools/log_rows
tests_tools_log_rows_SOURCES = tests/tools/log_rows.c tests/unit/log_rows.h
tests_tools_log_rows_LDADD = libsources.la libtelemetry.la
# Prints the records that the source "log" makes of one.
check_PROGRAMS += tests/tools/log_records
tests_tools_log_records_LDADD = libsources.la libtelemetry.la

# Prints the tables of the pages; docs/update.sh puts them in.
check_PROGRAMS += tests/tools/print_options
tests_tools_print_options_SOURCES = tests/tools/print_options.c
tests_tools_print_options_LDADD = $(AGENT_LIBS)
EXTRA_DIST += \
	README.md \
	docs/update.sh \
	docs/advisories.md \
	docs/architecture.md \
	docs/configuration.md \
	docs/detectors.md \
	docs/email.md \
	docs/elasticsearch.md \
	docs/evaluation.md \
	docs/operations.md \
	docs/kafka.md \
	docs/notifications.md \
	docs/fuzzing.md \
	docs/kibana.md \
	docs/logs.md \
	docs/reports.md \
	docs/report.png \
	docs/telemetry.md \
	docs/detectors/converged.md \
	docs/detectors/dead-units.md \
	docs/detectors/divergence.md \
	docs/detectors/gradient-explosion.md \
	docs/detectors/learning-rate.md \
	docs/detectors/loss-spike.md \
	docs/detectors/overfitting.md \
	docs/detectors/overflow.md \
	docs/detectors/resume-discontinuity.md \
	docs/detectors/saturation.md \
	docs/detectors/stalled-run.md \
	docs/detectors/underfitting.md \
	docs/detectors/vanishing-gradient.md \
	docs/emit_from_python.py

# The pictures on the detectors' pages, drawn from trainings; run by hand after a detector has changed.
.PHONY: pictures
pictures: trainward$(EXEEXT) trainward-train$(EXEEXT)
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/pictures-venv \
		$(top_srcdir)/docs/requirements.txt
	$(abs_top_builddir)/pictures-venv/bin/python $(top_srcdir)/docs/detectors/pictures.py \
		--build $(abs_top_builddir) $(PICTURES)
EXTRA_DIST += docs/requirements.txt docs/detectors/pictures.py \
	docs/detectors/converged.png docs/detectors/dead-units.png docs/detectors/divergence.png \
	docs/detectors/gradient-explosion.png docs/detectors/learning-rate.png \
	docs/detectors/loss-spike.png docs/detectors/overfitting.png docs/detectors/overflow.png \
	docs/detectors/resume-discontinuity.png docs/detectors/saturation.png \
	docs/detectors/underfitting.png docs/detectors/vanishing-gradient.png

# The unit tests of what has threads of ours: what ../run-tests builds with ThreadSanitizer. (Those
# that talk to librdkafka's own consumers crash under it: it does not know C11's thrd_create().)
THREADED_TESTS = tests/unit/test_delivery tests/unit/test_emitter tests/unit/test_emitter_kafka \
	tests/unit/test_heartbeat tests/unit/test_job_output tests/unit/test_lanes \
	tests/unit/test_metrics tests/unit/test_read_ahead tests/unit/test_ring
.PHONY: check-threads threaded-tests
threaded-tests: $(THREADED_TESTS)
check-threads:
	TSAN_OPTIONS='suppressions=$(abs_top_srcdir)/tests/thread_sanitizer.txt' \
		$(MAKE) $(AM_MAKEFLAGS) check-TESTS \
		check_PROGRAMS='$(THREADED_TESTS)' TESTS='$(THREADED_TESTS)'
EXTRA_DIST += tests/leak_sanitizer.txt tests/thread_sanitizer.txt

# The agent and a broker that is away for ten minutes; ../run-tests leaves it away for seconds.
.PHONY: outage
outage: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS= check_PROGRAMS=tests/tools/emit_stream
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/venv
	cd $(top_srcdir)/tests && TW_OUTAGE_SECONDS=$${TW_OUTAGE_SECONDS:-600} TW_BUILD=$(abs_top_builddir) \
		$(abs_top_builddir)/venv/bin/python -m pytest -q test_kafka_faults.py -k is_away

# Notifications while the mail server fails in every way and the agent is killed: the large one.
.PHONY: check-notify-oracle
check-notify-oracle: all
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/venv
	cd $(top_srcdir)/tests && TW_NOTIFY_RUNS=$${TW_NOTIFY_RUNS:-200} \
		TW_NOTIFY_BLOWS=$${TW_NOTIFY_BLOWS:-80} TW_BUILD=$(abs_top_builddir) \
		$(abs_top_builddir)/venv/bin/python -m pytest -q test_notify_oracle.py

# 500 mails over TLS in one process by each transport; in a build with sanitizers, too:
# make -C build/asan check-many-mails. Prints memory and open files before and after.
.PHONY: check-many-mails
check-many-mails: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS= check_PROGRAMS=tests/tools/send_notifications
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/venv
	cd $(top_srcdir)/tests && TW_MANY_MAILS=$${TW_MANY_MAILS:-500} TW_BUILD=$(abs_top_builddir) \
		$(abs_top_builddir)/venv/bin/python -m pytest -q test_mail_transports.py -k many_mails

# Tables by their real writers too. Keras, transformers and pandas come to a gigabyte with what they
# need, which is why ../run-tests has TensorBoard, W&B and MLflow alone.
.PHONY: check-writers
check-writers: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS= check_PROGRAMS=tests/tools/log_rows
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/venv-writers \
		$(top_srcdir)/tests/requirements-writers.txt
	cd $(top_srcdir)/tests && TW_BUILD=$(abs_top_builddir) \
		$(abs_top_builddir)/venv-writers/bin/python -m pytest -q test_log_writers.py test_log_table_writers.py
EXTRA_DIST += tests/requirements-writers.txt tests/test_log_writers.py \
	tests/test_log_table_writers.py

# A training by PyTorch that is attached by PID and diverges; prints how soon its advisory came. And the
# logger of Lightning, which needs PyTorch. That is 5 GB with the libraries of CUDA, which is too large
# for ../run-tests.
.PHONY: check-live-job
check-live-job: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS= check_PROGRAMS=tests/tools/log_rows
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/venv-live-job \
		$(top_srcdir)/tests/requirements-live-job.txt
	cd $(top_srcdir)/tests && TW_BUILD=$(abs_top_builddir) \
		$(abs_top_builddir)/venv-live-job/bin/python -m pytest -q -s check_live_job.py \
		test_log_table_writers.py::test_lightning
EXTRA_DIST += tests/requirements-live-job.txt tests/check_live_job.py tests/support/live_job.py

# The report in a real browser; Chromium (Debian's `chromium`) is too large for ../run-tests.
.PHONY: check-pages
check-pages: all
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/venv
	cd $(top_srcdir)/tests && TW_BUILD=$(abs_top_builddir) \
		$(abs_top_builddir)/venv/bin/python -m pytest -q check_pages.py
EXTRA_DIST += tests/check_pages.py

# The pictures of docs/email.md, by Chromium; they are committed.
.PHONY: mail-pictures
mail-pictures: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS= check_PROGRAMS=tests/tools/send_notifications
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/venv
	cd $(top_srcdir)/tests && TW_BUILD=$(abs_top_builddir) \
		$(abs_top_builddir)/venv/bin/python mail_pictures.py
EXTRA_DIST += tests/mail_pictures.py docs/mail-html.png docs/mail-text.png

# How often the detectors are right on labelled logs: those in ../shared/runs beside the source
# folder, where they are, or `make evaluate EVALUATE='--corpus DIR --runs'`.
.PHONY: evaluate
evaluate: all
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/venv
	cd $(top_srcdir)/tests && $(abs_top_builddir)/venv/bin/python -m evaluate \
		--trainward $(abs_top_builddir)/trainward $(EVALUATE)

# How well the same logs are read; writes the table of docs/logs.md.
.PHONY: check-readings
check-readings: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS= check_PROGRAMS=tests/tools/log_records
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/venv
	cd $(top_srcdir)/tests && $(abs_top_builddir)/venv/bin/python -m evaluate.readings \
		--build $(abs_top_builddir) --page $(abs_top_srcdir)/docs/logs.md
EXTRA_DIST += tests/evaluate/readings.py tests/test_log_readings.py tests/test_log_replays.py

# The same of the recipes and their healthy twins.
.PHONY: evaluate-recipes
evaluate-recipes: all
	$(SHELL) $(top_srcdir)/build-aux/python-venv.sh $(abs_top_builddir)/venv
	$(top_srcdir)/examples/run --build $(abs_builddir) --corpus $(abs_builddir)/recipes
	cd $(top_srcdir)/tests && $(abs_top_builddir)/venv/bin/python -m evaluate \
		--trainward $(abs_top_builddir)/trainward --corpus $(abs_builddir)/recipes \
		--scratch $(abs_builddir)/recipes $(EVALUATE)
EXTRA_DIST += docs/evaluation.md tests/evaluate/__init__.py tests/evaluate/__main__.py \
	tests/evaluate/baseline.py tests/evaluate/corpus.py tests/evaluate/doubtful_labels.md \
	tests/evaluate/event_file.py tests/evaluate/formats.py tests/evaluate/introduction.md \
	tests/evaluate/judges.py tests/evaluate/names.py tests/evaluate/names.yaml \
	tests/evaluate/records.py tests/evaluate/report.py tests/evaluate/score.py \
	tests/test_evaluate.py tests/test_feed.py

EXTRA_DIST += tests/conftest.py tests/pytest.ini tests/requirements.txt \
	tests/contracts/advisory.schema.json \
	tests/contracts/analyze.schema.json \
	tests/contracts/chart.schema.json \
	tests/contracts/configuration.schema.json \
	tests/contracts/finding.schema.json \
	tests/contracts/record.schema.json \
	tests/contracts/saved_object.schema.json \
	tests/golden_charts/charts.jsonl tests/golden_charts/records.jsonl \
	tests/golden/make_records.py tests/golden/update.py \
	tests/golden/converged/advisories.jsonl \
	tests/golden/converged/records.jsonl \
	tests/golden/dead_rank/advisories.jsonl \
	tests/golden/dead_rank/records.jsonl \
	tests/golden/dead_units/advisories.jsonl \
	tests/golden/dead_units/records.jsonl \
	tests/golden/divergence_critical/advisories.jsonl \
	tests/golden/divergence_critical/records.jsonl \
	tests/golden/divergence_from_start/advisories.jsonl \
	tests/golden/divergence_from_start/records.jsonl \
	tests/golden/divergence_warning/advisories.jsonl \
	tests/golden/divergence_warning/records.jsonl \
	tests/golden/fp16_scale_collapse/advisories.jsonl \
	tests/golden/fp16_scale_collapse/records.jsonl \
	tests/golden/gradient_explosion/advisories.jsonl \
	tests/golden/gradient_explosion/records.jsonl \
	tests/golden/healthy/advisories.jsonl \
	tests/golden/healthy/records.jsonl \
	tests/golden/learning_rate/advisories.jsonl \
	tests/golden/learning_rate/records.jsonl \
	tests/golden/loss_spike/advisories.jsonl \
	tests/golden/loss_spike/records.jsonl \
	tests/golden/loss_spike_recovers/advisories.jsonl \
	tests/golden/loss_spike_recovers/records.jsonl \
	tests/golden/overfitting/advisories.jsonl \
	tests/golden/overfitting/records.jsonl \
	tests/golden/overflow_nan/advisories.jsonl \
	tests/golden/overflow_nan/records.jsonl \
	tests/golden/overflow_recovers/advisories.jsonl \
	tests/golden/overflow_recovers/records.jsonl \
	tests/golden/resume/advisories.jsonl \
	tests/golden/resume/records.jsonl \
	tests/golden/resume_discontinuity/advisories.jsonl \
	tests/golden/resume_discontinuity/records.jsonl \
	tests/golden/saturation/advisories.jsonl \
	tests/golden/saturation/records.jsonl \
	tests/golden/story/advisories.jsonl \
	tests/golden/story/records.jsonl \
	tests/golden/underfitting/advisories.jsonl \
	tests/golden/underfitting/records.jsonl \
	tests/golden/vanishing_gradient/advisories.jsonl \
	tests/golden/vanishing_gradient/records.jsonl \
	tests/services/ElasticsearchNode.java \
	tests/services/OpenSearchNode.java \
	tests/services/__init__.py \
	tests/services/certificates.py \
	tests/services/elasticsearch.pom.xml \
	tests/services/elasticsearch.py \
	tests/services/exim.py \
	tests/services/faulty_mail.py \
	tests/services/jars.py \
	tests/services/kafka.pom.xml \
	tests/services/kafka.py \
	tests/services/mail.py \
	tests/services/opensearch.pom.xml \
	tests/services/opensearch.py \
	tests/services/process.py \
	tests/services/receiver.py \
	tests/services/proxy.py \
	tests/services/search.py \
	tests/support/__init__.py \
	tests/support/agents.py \
	tests/support/chaos.py \
	tests/support/jobs.py \
	tests/support/notifications.py \
	tests/support/notifying.py \
	tests/support/kibana.py \
	tests/support/kibana_server.py \
	tests/support/page.py \
	tests/support/programs.py \
	tests/support/ranks.py \
	tests/support/simulated.py \
	tests/support/small_disk.py \
	tests/support/systemd.py \
	tests/support/telemetry.py \
	tests/support/workers.py \
	tests/test_acceptance.py \
	tests/test_attach.py \
	tests/test_attach_exec.py \
	tests/test_bench_kafka.py \
	tests/test_charts.py \
	tests/test_commands.py \
	tests/test_contracts.py \
	tests/test_kibana_objects.py \
	tests/test_kibana_queries.py \
	tests/test_kibana_setup.py \
	tests/test_docs.py \
	tests/test_emitter.py \
	tests/test_feed.py \
	tests/test_full_disk.py \
	tests/test_golden.py \
	tests/test_includes.py \
	tests/test_install.py \
	tests/test_kafka_faults.py \
	tests/test_kafka_security.py \
	tests/test_kafka_auto_create.py \
	tests/test_kafka_topics.py \
	tests/test_line.py \
	tests/test_log_programs.py \
	tests/test_logs.py \
	tests/test_mail.py \
	tests/test_notifications.py \
	tests/test_notify_oracle.py \
	tests/test_webhook.py \
	tests/test_mail_transports.py \
	tests/test_operations.py \
	tests/test_operations_kafka.py \
	tests/test_oracle.py \
	tests/test_oracle_agents.py \
	tests/test_paths_agree.py \
	tests/test_quickstart.py \
	tests/test_ranks.py \
	tests/test_report.py \
	tests/test_resume.py \
	tests/test_search.py \
	tests/test_search_away.py \
	tests/test_search_oracle.py \
	tests/test_services.py \
	tests/test_silence.py \
	tests/test_systemd.py

# The oracle of the search sink with 100,000 documents: some minutes. Run by hand.
.PHONY: search-oracle
search-oracle: all
	cd $(top_srcdir)/tests && TW_SEARCH_ORACLE_DOCUMENTS=100000 TW_BIN=$(abs_top_builddir) \
		TW_BUILD=$(abs_top_builddir) $(abs_top_builddir)/venv/bin/python -m pytest -q -s \
		test_search_oracle.py

# The agent's memory while the search server is away for 300 runs: a minute or two. Run by hand.
.PHONY: search-away
search-away: all
	cd $(top_srcdir)/tests && TW_SEARCH_AWAY_RUNS=300 TW_BIN=$(abs_top_builddir) \
		TW_BUILD=$(abs_top_builddir) $(abs_top_builddir)/venv/bin/python -m pytest -q -s \
		test_search_away.py

# The recipes with all seeds, twins and neighbours: some minutes. Run by hand; the page is committed.
.PHONY: recipes
recipes: all
	$(top_srcdir)/examples/run --build $(abs_builddir) --report $(abs_top_srcdir)/docs/recipes.md
EXTRA_DIST += examples/README.md examples/recipes.py examples/recipes.toml examples/report.py examples/run \
	tests/test_recipes.py

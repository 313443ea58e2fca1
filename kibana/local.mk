# kibana/: saved objects of Kibana and OpenSearch Dashboards, built into the program. The script
# that makes them is run by hand; a test says when that was forgotten.
nodist_libsinks_la_SOURCES += kibana/saved_objects.c
kibana/saved_objects.c: kibana/saved_objects.ndjson build-aux/embed.sh
	$(AM_V_GEN)$(MKDIR_P) kibana && \
	$(EMBED) kibana_objects $(top_srcdir)/kibana/saved_objects.ndjson > $@.tmp && mv $@.tmp $@
CLEANFILES += kibana/saved_objects.c

.PHONY: kibana-objects
kibana-objects:
	python3 -B $(top_srcdir)/kibana/make_objects.py

# The pictures of docs/kibana.md, drawn by the Vega that Kibana 7.17 has; run by hand.
.PHONY: kibana-pictures
kibana-pictures: trainward$(EXEEXT)
	$(MKDIR_P) kibana-pictures
	npm install --silent --no-save --prefix kibana-pictures vega@5.21.0 vega-lite@4.17.0
	$(abs_top_builddir)/venv/bin/python $(top_srcdir)/docs/kibana/draw.py \
		--build $(abs_top_builddir) --modules $(abs_top_builddir)/kibana-pictures
EXTRA_DIST += docs/kibana/draw.py docs/kibana/render.js \
	docs/kibana/run_loss_divergence_critical.png docs/kibana/run_loss_overflow_nan.png \
	docs/kibana/run_layers_gradients_saturation.png

# How long the run view's requests take with many runs indexed; run by hand.
KIBANA_RUNS = 1000
.PHONY: kibana-speed
kibana-speed: trainward$(EXEEXT)
	$(abs_top_builddir)/venv/bin/python $(top_srcdir)/bench/kibana_queries.py \
		--build $(abs_top_builddir) --runs $(KIBANA_RUNS)
EXTRA_DIST += bench/kibana_queries.py

EXTRA_DIST += kibana/saved_objects.ndjson kibana/make_objects.py kibana/aggregations.py \
	kibana/charts.py kibana/dashboards.py kibana/objects.py

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_kibana
TESTS += tests/unit/test_kibana
tests_unit_test_kibana_SOURCES = tests/unit/test_kibana.c
tests_unit_test_kibana_LDADD = $(SINK_UNIT_LIBS)
endif

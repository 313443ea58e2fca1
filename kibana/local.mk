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
EXTRA_DIST += kibana/saved_objects.ndjson kibana/make_objects.py kibana/aggregations.py \
	kibana/charts.py kibana/dashboards.py kibana/objects.py

# rules/: the rules engine, and the rules that are built into the programs.
noinst_LTLIBRARIES += librules.la
librules_la_SOURCES = rules/bindings.c rules/bindings.h rules/document.c rules/document.h \
	rules/expression.c rules/expression.h rules/facts.c rules/facts.h rules/names.c rules/names.h \
	rules/number.c rules/number.h rules/parse.c rules/rule.h rules/rules.c rules/rules.h \
	rules/sandbox.c rules/sandbox.h rules/suggest.c rules/suggestion.c rules/suggestion.h \
	rules/template.c rules/template.h
nodist_librules_la_SOURCES = rules/shipped_rules.c
librules_la_LIBADD = $(YAML_LIBS) $(LUA_LIBS)

SHIPPED_RULES = rules/shipped/divergence.yaml rules/shipped/overflow.yaml
EXTRA_DIST += $(SHIPPED_RULES) docs/rules.md
CLEANFILES += rules/shipped_rules.c
rules/shipped_rules.c: $(SHIPPED_RULES) build-aux/embed.sh
	$(AM_V_GEN)$(MKDIR_P) rules && cd $(srcdir) && $(SHELL) build-aux/embed.sh shipped_rules \
		$(SHIPPED_RULES) >$(abs_builddir)/$@.part && mv $(abs_builddir)/$@.part $(abs_builddir)/$@

# rules/: the rules engine, and the rules that are built into the programs.
noinst_LTLIBRARIES += librules.la
librules_la_SOURCES = rules/bindings.c rules/bindings.h rules/document.c rules/document.h \
	rules/expression.c rules/expression.h rules/facts.c rules/facts.h rules/names.c rules/names.h \
	rules/number.c rules/number.h rules/parse.c rules/parse_suggestion.c rules/reader.c \
	rules/reader.h rules/rule.h rules/rules.c rules/rules.h \
	rules/sandbox.c rules/sandbox.h rules/suggest.c rules/suggestion.c rules/suggestion.h \
	rules/template.c rules/template.h \
	rules/trace.h
nodist_librules_la_SOURCES = rules/shipped_rules.c
librules_la_LIBADD = $(YAML_LIBS) $(LUA_LIBS)

SHIPPED_RULES = \
	rules/shipped/converged.yaml \
	rules/shipped/dead-units.yaml \
	rules/shipped/divergence.yaml \
	rules/shipped/gradient-explosion.yaml \
	rules/shipped/learning-rate.yaml \
	rules/shipped/loss-spike.yaml \
	rules/shipped/overfitting.yaml \
	rules/shipped/overflow.yaml \
	rules/shipped/resume-discontinuity.yaml \
	rules/shipped/saturation.yaml \
	rules/shipped/stalled-rank.yaml \
	rules/shipped/stalled-run.yaml \
	rules/shipped/underfitting.yaml \
	rules/shipped/vanishing-gradient.yaml
EXTRA_DIST += $(SHIPPED_RULES) docs/rules.md
CLEANFILES += rules/shipped_rules.c
rules/shipped_rules.c: $(SHIPPED_RULES) build-aux/embed.sh
	$(AM_V_GEN)$(MKDIR_P) rules && cd $(srcdir) && $(SHELL) build-aux/embed.sh shipped_rules \
		$(SHIPPED_RULES) >$(abs_builddir)/$@.part && mv $(abs_builddir)/$@.part $(abs_builddir)/$@

RULES_LIBS = librules.la libdetectors.la libtelemetry.la

if FUZZERS
noinst_PROGRAMS += tests/fuzz/fuzz_rules
tests_fuzz_fuzz_rules_SOURCES = tests/fuzz/fuzz_rules.c
tests_fuzz_fuzz_rules_LDADD = $(RULES_LIBS)
tests_fuzz_fuzz_rules_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
endif

if HAVE_CMOCKA
rules_unit_tests = \
	tests/unit/test_explosion_rules \
	tests/unit/test_rule_files \
	tests/unit/test_rule_sandbox \
	tests/unit/test_rules_advice \
	tests/unit/test_rules_contract \
	tests/unit/test_rules_damaged \
	tests/unit/test_rules_overfitting \
	tests/unit/test_shipped_rules \
	tests/unit/test_shipped_unit_rules \
	tests/unit/test_underfitting_advice
check_PROGRAMS += $(rules_unit_tests)
TESTS += $(rules_unit_tests)
rules_unit_libs = $(RULES_LIBS) $(UNIT_LIBS)
tests_unit_test_explosion_rules_SOURCES = tests/unit/test_explosion_rules.c \
	tests/unit/rules_fixture.h
tests_unit_test_explosion_rules_LDADD = $(rules_unit_libs)
tests_unit_test_rule_files_SOURCES = tests/unit/test_rule_files.c tests/unit/rules_fixture.h \
	tests/unit/temporary_directory.h
tests_unit_test_rule_files_LDADD = $(rules_unit_libs)
tests_unit_test_rule_sandbox_SOURCES = tests/unit/test_rule_sandbox.c tests/unit/rules_fixture.h
tests_unit_test_rule_sandbox_LDADD = $(rules_unit_libs)
tests_unit_test_rules_advice_SOURCES = tests/unit/test_rules_advice.c tests/unit/rules_fixture.h \
	tests/unit/detector_fixture.h
tests_unit_test_rules_advice_LDADD = $(rules_unit_libs)
tests_unit_test_rules_contract_SOURCES = tests/unit/test_rules_contract.c tests/unit/rules_fixture.h
tests_unit_test_rules_contract_LDADD = $(rules_unit_libs)
tests_unit_test_rules_damaged_SOURCES = tests/unit/test_rules_damaged.c tests/fuzz/fuzz_rules.c \
	tests/unit/rules_fixture.h
tests_unit_test_rules_damaged_LDADD = $(rules_unit_libs)
tests_unit_test_rules_overfitting_SOURCES = tests/unit/test_rules_overfitting.c \
	tests/unit/rules_fixture.h
tests_unit_test_rules_overfitting_LDADD = $(rules_unit_libs)
tests_unit_test_shipped_rules_SOURCES = tests/unit/test_shipped_rules.c tests/unit/rules_fixture.h
tests_unit_test_shipped_rules_LDADD = $(rules_unit_libs)
tests_unit_test_underfitting_advice_SOURCES = tests/unit/test_underfitting_advice.c \
	tests/unit/rules_fixture.h
tests_unit_test_underfitting_advice_LDADD = $(rules_unit_libs)
tests_unit_test_shipped_unit_rules_SOURCES = tests/unit/test_shipped_unit_rules.c \
	tests/unit/rules_fixture.h
tests_unit_test_shipped_unit_rules_LDADD = $(rules_unit_libs)
endif

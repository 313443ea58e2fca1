# telemetry/: the record, its wire forms, run files, the emitter. Built twice: a convenience library
# for our programs, and libtrainward, the shared library with a controlled export list.
noinst_LTLIBRARIES += libtelemetry.la
libtelemetry_la_SOURCES = telemetry/error.c telemetry/error.h telemetry/option.c telemetry/option.h \
	telemetry/record.h
libtelemetry_la_LIBADD = $(CBOR_LIBS) $(JANSSON_LIBS) $(RDKAFKA_LIBS)

# sources/: ways for telemetry to come in.
noinst_LTLIBRARIES += libsources.la
libsources_la_SOURCES = \
	sources/file_wait.c sources/file_wait.h \
	sources/kafka.c sources/kafka.h \
	sources/kafka_client.c sources/kafka_client.h \
	sources/kafka_partitions.c sources/kafka_partitions.h \
	sources/probe.c sources/probe.h \
	sources/record_file.c sources/record_file.h \
	sources/run_directory.c \
	sources/source.h sources/sources.c
libsources_la_LIBADD = $(RDKAFKA_LIBS)

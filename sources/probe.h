/* How sure the source "run_directory" is that a file holds telemetry. */
#ifndef TW_PROBE_H
#define TW_PROBE_H

/* 0..100 for a file, by its content and, where that says little, by its name. */
int tw_probe_file(const char *path);

#endif

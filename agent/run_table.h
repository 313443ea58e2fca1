/* The table of runs by their ids: open addressing, so that a lookup touches one place of the table
 * and then the run. Of many thousand runs hardly one is in the processor's caches when its record
 * comes; a reader that holds many messages looks some ahead (tw_run_table_prefetch(), then
 * tw_run_table_guess()) and finds them there. Runs are kept in order of first sight too: walks do
 * not depend on the hash, which is another one in each process. */
#ifndef TW_RUN_TABLE_H
#define TW_RUN_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct tw_run;

/* What a run keeps for its table. */
struct tw_run_links {
    uint64_t hash;
    struct tw_run *earlier, *later;
};

struct tw_run_slot {
    uint64_t hash;
    struct tw_run *run; /* NULL: free */
};

struct tw_run_table {
    struct tw_run_slot *slots;
    size_t n_slots; /* 0 or a power of two */
    size_t n;
    struct tw_run *first, *last;
};

/* Of an id; keyed with a number of this process, so that nobody can choose ids that collide. */
uint64_t tw_run_table_hash(const void *id, size_t size);

/* The run with this id, or NULL. */
struct tw_run *tw_run_table_find(const struct tw_run_table *table, const char *id);
/* Adds a run whose id is not in the table. 0 or -ENOMEM. */
int tw_run_table_add(struct tw_run_table *table, struct tw_run *run);
void tw_run_table_remove(struct tw_run_table *table, struct tw_run *run);
/* Frees the table, not its runs. */
void tw_run_table_release(struct tw_run_table *table);

/* Asks for the place where a run of this hash is looked up. */
void tw_run_table_prefetch(const struct tw_run_table *table, uint64_t hash);
/* The run that probably has this hash, or NULL; its id is not looked at. */
struct tw_run *tw_run_table_guess(const struct tw_run_table *table, uint64_t hash);

#endif

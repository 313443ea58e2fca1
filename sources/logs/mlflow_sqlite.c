/* MLflow's tracking database in SQLite (mlflow.db; the default since MLflow 3.7), opened for
 * reading only. A run's name is its experiment's number and its own id, as folders have it in the
 * file store. */
#include "sources/logs/format.h"

#include "sources/logs/mlflow_status.h"
#include "telemetry/text.h"

#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uthash.h>

#define BUSY_MS 1000
#define CELLS_MAX 64
#define KEY_BYTES 256 /* MLflow's own limit is 250 */
#define RUN_BYTES 80
#define VALUE_BYTES 1000 /* longer values are no hyper-parameters */

/* A reader's lock keeps the training from writing, so that rows are fetched in portions, and given
 * only when the lock is gone. */
#define PORTION 1024

/* What MLflow writes for infinity, since databases have none. */
#define INSTEAD_OF_INFINITY 1.7976931348623157e308

struct ended_run {
    char id[RUN_BYTES];
    enum tw_log_event end;
    bool is_told, is_seen; /* is_seen: in the present look */
    UT_hash_handle hh;
};

struct fetched {
    sqlite3_int64 row_id;
    char run[RUN_BYTES];
    char key[KEY_BYTES];
    char text[VALUE_BYTES + 1]; /* of a parameter; how a run ended */
    double value, step;
    int64_t time_ms;
};

struct mlflow_sqlite {
    char *path;
    dev_t device; /* of the file at `path`, and its number */
    ino_t inode;
    sqlite3 *database;
    sqlite3_int64 last_metric, last_parameter, last_tag; /* that were given */
    struct fetched newest;                               /* that of last_metric */
    struct ended_run *ended;                             /* whose end was seen */
    struct fetched *fetched;                             /* PORTION of them */
};

static int fail(struct mlflow_sqlite *store, int status, struct tw_error *error)
{
    bool is_locked = (status & 0xff) == SQLITE_BUSY || (status & 0xff) == SQLITE_LOCKED;
    if (is_locked)
        return -EAGAIN;
    /* A damaged database may ask for more memory than there is, too. */
    return tw_error_at(error, -EIO, store->path, 0, 0, "SQLite: %s",
                       store->database ? sqlite3_errmsg(store->database) : sqlite3_errstr(status));
}

static void close_database(struct mlflow_sqlite *store)
{
    sqlite3_close(store->database);
    store->database = NULL;
}

static int open_database(struct mlflow_sqlite *store, struct tw_error *error)
{
    int status = sqlite3_open_v2(store->path, &store->database,
                                 SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (status == SQLITE_OK) {
        sqlite3_extended_result_codes(store->database, 1);
        status = sqlite3_busy_timeout(store->database, BUSY_MS);
    }
    return status == SQLITE_OK ? 0 : fail(store, status, error);
}

static int mlflow_sqlite_start(void *closure, const char *path, struct tw_error *error)
{
    struct mlflow_sqlite *store = closure;
    store->path = strdup(path);
    store->fetched = malloc(PORTION * sizeof *store->fetched);
    return store->path && store->fetched ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
}

static void copy_column(sqlite3_stmt *statement, int column, char *to, size_t room)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    tw_text_copy(to, room, text ? text : "", text ? strlen(text) : 0);
    tw_text_make_utf8(to, strlen(to));
}

/* Every query has row number, experiment, run, key first. */
static void fetch_row(sqlite3_stmt *statement, struct fetched *ret)
{
    ret->row_id = sqlite3_column_int64(statement, 0);
    copy_column(statement, 1, ret->run, 24);
    size_t length = strlen(ret->run);
    ret->run[length++] = '/';
    copy_column(statement, 2, ret->run + length, sizeof ret->run - length);
    copy_column(statement, 3, ret->key, sizeof ret->key);
}

static void fetch_text(sqlite3_stmt *statement, struct fetched *ret)
{
    copy_column(statement, 4, ret->text, sizeof ret->text);
}

static void fetch_point(sqlite3_stmt *statement, struct fetched *ret)
{
    double value = sqlite3_column_double(statement, 4);
    if (sqlite3_column_int(statement, 5))
        value = NAN;
    else if (fabs(value) >= INSTEAD_OF_INFINITY)
        value = copysign(INFINITY, value);
    ret->value = value;
    ret->time_ms = sqlite3_column_int64(statement, 6);
    ret->step = (double)sqlite3_column_int64(statement, 7);
}

/* The next portion of rows behind `after`: how many, or a negative error. */
static int fetch(struct mlflow_sqlite *store, const char *query, sqlite3_int64 after,
                 void (*fetch_rest)(sqlite3_stmt *statement, struct fetched *ret),
                 struct tw_error *error)
{
    sqlite3_stmt *statement = NULL;
    int n = 0, status = sqlite3_prepare_v2(store->database, query, -1, &statement, NULL);
    if (status != SQLITE_OK)
        return fail(store, status, error);
    sqlite3_bind_int64(statement, 1, after);
    sqlite3_bind_int(statement, 2, PORTION);
    while (n < PORTION && (status = sqlite3_step(statement)) == SQLITE_ROW) {
        fetch_row(statement, &store->fetched[n]);
        fetch_rest(statement, &store->fetched[n]);
        n++;
    }
    int result = status == SQLITE_ROW || status == SQLITE_DONE ? n : fail(store, status, error);
    sqlite3_finalize(statement);
    return result;
}

static int give_texts(struct mlflow_sqlite *store, const char *query, sqlite3_int64 *last,
                      const struct tw_log_sink *sink, struct tw_error *error)
{
    int n, result = 0;
    do {
        n = fetch(store, query, *last, fetch_text, error);
        for (int i = 0; i < n && !result; i++) {
            const struct fetched *row = &store->fetched[i];
            *last = row->row_id;
            if (row->text[0] && strlen(row->text) < VALUE_BYTES)
                result = sink->parameter(sink->closure, row->run, row->key, row->text);
        }
    } while (n == PORTION && !result);
    return n < 0 ? n : result;
}

static bool is_together(const struct fetched *one, const struct fetched *other)
{
    return one->time_ms == other->time_ms && one->step >= other->step && one->step <= other->step &&
           !strcmp(one->run, other->run);
}

static int give_points(const struct fetched *points, int n, const struct tw_log_sink *sink)
{
    struct tw_cell cells[CELLS_MAX];
    int result = 0;
    for (int i = 0; i < n && !result;) {
        const struct fetched *first = &points[i];
        struct tw_row row = {.run = first->run,
                             .step = first->step,
                             .epoch = NAN,
                             .time_ms = first->time_ms > 0 ? first->time_ms : -1,
                             .cells = cells};
        for (; i < n && row.n_cells < CELLS_MAX && is_together(first, &points[i]); i++)
            cells[row.n_cells++] =
                (struct tw_cell){points[i].key, points[i].value, TW_MEANS_BY_NAME};
        result = sink->row(sink->closure, &row);
    }
    return result;
}

/* Row numbers grow as rows are inserted: their order is that of logging. */
static const char metrics[] =
    "SELECT m.rowid, r.experiment_id, m.run_uuid, m.key, m.value, m.is_nan, m.timestamp, m.step"
    " FROM metrics m JOIN runs r ON r.run_uuid = m.run_uuid"
    " WHERE m.rowid > ?1 AND r.lifecycle_stage = 'active' ORDER BY m.rowid LIMIT ?2";

static int give_metrics(struct mlflow_sqlite *store, const struct tw_log_sink *sink,
                        struct tw_error *error)
{
    int n, result = 0;
    do {
        n = fetch(store, metrics, store->last_metric, fetch_point, error);
        if (n > 0) {
            store->newest = store->fetched[n - 1];
            store->last_metric = store->newest.row_id;
            result = give_points(store->fetched, n, sink);
        }
    } while (n == PORTION && !result);
    return n < 0 ? n : result;
}

static int see_end(struct mlflow_sqlite *store, const struct fetched *row)
{
    struct ended_run *run;
    enum tw_log_event end;
    HASH_FIND_STR(store->ended, row->run, run);
    if (run)
        run->is_seen = true;
    if (run || !tw_mlflow_end(row->text, &end))
        return 0;
    run = calloc(1, sizeof *run);
    if (!run)
        return -ENOMEM;
    run->end = end;
    run->is_seen = true;
    memcpy(run->id, row->run, sizeof run->id);
    HASH_ADD_STR(store->ended, id, run);
    return 0;
}

static void forget_run(struct mlflow_sqlite *store, struct ended_run *run)
{
    HASH_DEL(store->ended, run);
    free(run);
}

static void forget_ends(struct mlflow_sqlite *store)
{
    struct ended_run *run, *next;
    HASH_ITER(hh, store->ended, run, next)
    forget_run(store, run);
}

/* A run that goes on will end again. */
static void forget_unseen(struct mlflow_sqlite *store)
{
    struct ended_run *run, *next;
    HASH_ITER(hh, store->ended, run, next)
    {
        if (!run->is_seen)
            forget_run(store, run);
        else
            run->is_seen = false;
    }
}

/* A run's row changes in place, so that all of them are looked at. */
static int see_ends(struct mlflow_sqlite *store, struct tw_error *error)
{
    static const char query[] =
        "SELECT rowid, experiment_id, run_uuid, name, status FROM runs WHERE rowid > ?1 AND"
        " lifecycle_stage = 'active' AND status IN ('FINISHED', 'FAILED', 'KILLED')"
        " ORDER BY rowid LIMIT ?2";
    sqlite3_int64 last = 0;
    int n, result = 0;
    do {
        n = fetch(store, query, last, fetch_text, error);
        for (int i = 0; i < n && !result; i++) {
            last = store->fetched[i].row_id;
            result = see_end(store, &store->fetched[i]);
        }
    } while (n == PORTION && !result);
    if (n >= 0 && !result)
        forget_unseen(store);
    return n < 0 ? n : result;
}

static int tell_ends(struct mlflow_sqlite *store, const struct tw_log_sink *sink)
{
    struct ended_run *run, *next;
    int result = 0;
    HASH_ITER(hh, store->ended, run, next)
    {
        if (result || run->is_told)
            continue;
        run->is_told = true;
        result = sink->event(sink->closure, run->id, run->end, NAN);
    }
    return result;
}

/* Whether the newest row that was given stands where it was: 1 or 0, or a negative error. */
static int has_newest(struct mlflow_sqlite *store, struct tw_error *error)
{
    const struct fetched *newest = &store->newest, *found = store->fetched;
    if (!store->last_metric)
        return 0;
    int n = fetch(store, metrics, store->last_metric - 1, fetch_point, error);
    return n <= 0 ? n
                  : found->row_id == newest->row_id && is_together(found, newest) &&
                        !strcmp(found->key, newest->key) &&
                        (found->value == newest->value ||
                         (isnan(found->value) && isnan(newest->value)));
}

/* In another database rows are counted anew. A copy that is put in its place, as rsync does, goes
 * on. */
static int look_at_file(struct mlflow_sqlite *store, struct tw_error *error)
{
    struct stat status;
    if (stat(store->path, &status) ||
        (status.st_dev == store->device && status.st_ino == store->inode))
        return 0;
    int is_copy = has_newest(store, error);
    if (is_copy < 0)
        return is_copy;
    store->device = status.st_dev;
    store->inode = status.st_ino;
    if (is_copy)
        return 0;
    store->last_metric = store->last_parameter = store->last_tag = 0;
    forget_ends(store);
    return 0;
}

static int mlflow_sqlite_poll(void *closure, const struct tw_log_sink *sink, struct tw_error *error)
{
    static const char parameters[] =
        "SELECT p.rowid, r.experiment_id, p.run_uuid, p.key, p.value FROM params p"
        " JOIN runs r ON r.run_uuid = p.run_uuid"
        " WHERE p.rowid > ?1 AND r.lifecycle_stage = 'active' ORDER BY p.rowid LIMIT ?2";
    static const char tags[] =
        "SELECT t.rowid, r.experiment_id, t.run_uuid, t.key, t.value FROM tags t"
        " JOIN runs r ON r.run_uuid = t.run_uuid"
        " WHERE t.rowid > ?1 AND r.lifecycle_stage = 'active' ORDER BY t.rowid LIMIT ?2";
    struct mlflow_sqlite *store = closure;
    int result = store->database ? 0 : open_database(store, error);
    if (!result)
        result = look_at_file(store, error);
    if (!result)
        result = give_texts(store, parameters, &store->last_parameter, sink, error);
    if (!result)
        result = give_texts(store, tags, &store->last_tag, sink, error);
    if (!result) /* before the metrics: what has ended then logs no more */
        result = see_ends(store, error);
    if (!result)
        result = give_metrics(store, sink, error);
    if (!result)
        result = tell_ends(store, sink);
    /* Closed each time, since a database may be replaced by another under its name. */
    close_database(store);
    return result;
}

static void mlflow_sqlite_done(void *closure)
{
    struct mlflow_sqlite *store = closure;
    forget_ends(store);
    close_database(store);
    free(store->fetched);
    free(store->path);
}

/* What other programs of MLflow's kind do not have. */
static bool has_tables(const char *path)
{
    static const char query[] = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND"
                                " name IN ('runs', 'metrics', 'params', 'experiments')";
    struct mlflow_sqlite store = {.path = (char *)(uintptr_t)path};
    sqlite3_stmt *statement = NULL;
    bool is_so = open_database(&store, NULL) == 0 &&
                 sqlite3_prepare_v2(store.database, query, -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_int(statement, 0) == 4;
    sqlite3_finalize(statement);
    close_database(&store);
    return is_so;
}

static int mlflow_sqlite_probe(const struct tw_log_sample *sample)
{
    static const char magic[] = "SQLite format 3"; /* with its NUL */
    if (sample->size < sizeof magic || memcmp(sample->bytes, magic, sizeof magic) != 0)
        return 0;
    return sample->path && has_tables(sample->path) ? 99 : 0;
}

const struct tw_log_format tw_log_format_mlflow_sqlite = {
    .name = "mlflow_sqlite",
    .description = "MLflow's database in SQLite (mlflow.db)",
    .kind = TW_LOG_STORE,
    .state_size = sizeof(struct mlflow_sqlite),
    .probe = mlflow_sqlite_probe,
    .start = mlflow_sqlite_start,
    .poll = mlflow_sqlite_poll,
    .done = mlflow_sqlite_done,
};

/* MLflow's stores made up by the letter: mlruns/ (store/tracking/file_store.py) and the tables of
 * mlflow.db (store/tracking/dbmodels/models.py). Real ones: tests/test_log_writers.py. */
#include "tests/unit/log_rows.h"
#include "tests/unit/temporary_directory.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

extern const struct tw_log_format tw_log_format_mlflow;
extern const struct tw_log_format tw_log_format_mlflow_sqlite;

static char *root, place[8192];
static struct log_rows rows;
static struct tw_error error;
static const struct tw_log_format *format;
static void *state;
static sqlite3 *database;

static const char *in_root(const char *path)
{
    snprintf(place, sizeof place, "%s/%s", root, path);
    return place;
}

/* Makes the folders on the way, and writes or appends. */
static void put(const char *path, const char *mode, const char *text)
{
    in_root(path);
    for (char *at = place + strlen(root) + 1; (at = strchr(at, '/')); *at++ = '/') {
        *at = 0;
        mkdir(place, 0755);
    }
    FILE *file = fopen(place, mode);
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void open_log(const struct tw_log_format *wanted, const char *path)
{
    format = wanted;
    state = calloc(1, format->state_size);
    assert_int_equal(format->start(state, path, &error), 0);
}

static int poll_rows(void)
{
    struct tw_log_sink sink = log_rows_sink(&rows);
    rows.size = 0;
    if (rows.text)
        rows.text[0] = 0;
    return format->poll(state, &sink, &error);
}

static void assert_poll(const char *expected)
{
    assert_int_equal(poll_rows(), 0);
    assert_string_equal(rows.text ? rows.text : "", expected);
}

static void execute(const char *sql)
{
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
}

static int setup(void **unused)
{
    (void)unused;
    memset(&rows, 0, sizeof rows);
    memset(&error, 0, sizeof error);
    root = make_directory();
    return 0;
}

static int setup_folder(void **unused)
{
    setup(unused);
    put("7/meta.yaml", "w", "artifact_location: file:///x\nexperiment_id: '7'\nname: e\n");
    put("7/r1/meta.yaml", "w",
        "lifecycle_stage: active\nrun_id: r1\nrun_name: \"a: b\"\nstatus: 1\n");
    open_log(&tw_log_format_mlflow, root);
    return 0;
}

static void make_database(const char *path)
{
    assert_int_equal(sqlite3_open(in_root(path), &database), SQLITE_OK);
    execute("PRAGMA synchronous = OFF;"
            "CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY);"
            "CREATE TABLE runs (run_uuid VARCHAR(32) PRIMARY KEY, name VARCHAR(250),"
            " status VARCHAR(9), lifecycle_stage VARCHAR(20), experiment_id INTEGER);"
            "CREATE TABLE params (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32),"
            " PRIMARY KEY (key, run_uuid));"
            "CREATE TABLE tags (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32),"
            " PRIMARY KEY (key, run_uuid));"
            "CREATE TABLE metrics (key VARCHAR(250), value FLOAT, timestamp BIGINT,"
            " run_uuid VARCHAR(32), step BIGINT, is_nan BOOLEAN,"
            " PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan));"
            "INSERT INTO runs VALUES ('r1', 'n', 'RUNNING', 'active', 7),"
            " ('gone', 'n', 'RUNNING', 'deleted', 7);");
}

static int setup_database(void **unused)
{
    setup(unused);
    make_database("mlflow.db");
    open_log(&tw_log_format_mlflow_sqlite, in_root("mlflow.db"));
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    format->done(state);
    free(state);
    free(rows.text);
    sqlite3_close(database);
    database = NULL;
    remove_directory(root);
    return 0;
}

static void test_metrics_of_one_moment_are_one_row(void **unused)
{
    (void)unused;
    put("7/r1/metrics/loss", "w", "1000 0.5 1\n2000 nan 2\n3000 -inf 3\n");
    put("7/r1/metrics/train/acc", "w", "1000 0.25 1\n3000 1e-3 3 data digest\n");
    put("7/r1/params/opt/lr", "w", "0.001");
    put("7/r1/tags/mlflow.user", "w", "me");
    assert_poll("parameter 7/r1 opt/lr=0.001\n"
                "parameter 7/r1 mlflow.user=me\n"
                "row 7/r1 step=1 time=1000: loss=0.5 train/acc=0.25\n"
                "row 7/r1 step=2 time=2000: loss=nan\n"
                "row 7/r1 step=3 time=3000: loss=-inf train/acc=0.001\n");
    assert_poll("");
}

static void test_only_whole_new_lines_are_given(void **unused)
{
    (void)unused;
    put("7/r1/metrics/loss", "w", "1000 0.5 1\n2000 0.2");
    assert_poll("row 7/r1 step=1 time=1000: loss=0.5\n");
    put("7/r1/metrics/loss", "a", "5 2\n");
    put("7/r1/metrics/lr", "w", "2000 1 2\n");
    put("7/r1/params/lr", "w", "3\n");
    assert_poll("parameter 7/r1 lr=3\n"
                "row 7/r1 step=2 time=2000: loss=0.25 lr=1\n");
}

static void test_old_lines_have_no_step(void **unused)
{
    (void)unused;
    put("7/r1/metrics/loss", "w", "1000 0.5\n2000 0.25\n");
    assert_poll("row 7/r1 time=1000: loss=0.5\nrow 7/r1 time=2000: loss=0.25\n");
}

/* Steps may go back where a run was resumed: the order is that of the times. */
static void test_the_order_is_that_of_logging(void **unused)
{
    (void)unused;
    put("7/r1/metrics/a", "w", "1000 1 100\n3000 2 50\n");
    put("7/r1/metrics/b", "w", "2000 1 110\n4000 2 60\n");
    assert_poll("row 7/r1 step=100 time=1000: a=1\nrow 7/r1 step=110 time=2000: b=1\n"
                "row 7/r1 step=50 time=3000: a=2\nrow 7/r1 step=60 time=4000: b=2\n");
}

static void test_broken_lines_cost_themselves(void **unused)
{
    (void)unused;
    char line[20000];
    memset(line, '9', sizeof line);
    strcpy(line + sizeof line - 15, "\n2000 2 2\n");
    put("7/r1/metrics/loss", "w", "1000 1 1\nx y z\n\n1500\n");
    put("7/r1/metrics/loss", "a", line);
    assert_poll("broken a line of a metric is no point\n"
                "broken a line of a metric is no point\n"
                "broken a line of a metric is no point\n"
                "row 7/r1 step=1 time=1000: loss=1\n"
                "row 7/r1 step=2 time=2000: loss=2\n");
}

static void test_many_points_are_merged(void **unused)
{
    (void)unused;
    char text[3000 * 20];
    for (size_t i = 0, size = 0; i < 3000; i++)
        size += (size_t)sprintf(text + size, "%zu %zu %zu\n", 1000 + i, i, i);
    put("7/r1/metrics/a", "w", text);
    put("7/r1/metrics/b", "w", text);
    assert_int_equal(poll_rows(), 0);
    assert_int_equal(rows.n_rows, 3000);
    assert_non_null(strstr(rows.text, "row 7/r1 step=2999 time=3999: a=2999 b=2999\n"));
}

static void test_a_run_ends_once(void **unused)
{
    (void)unused;
    put("7/r1/metrics/loss", "w", "1000 1 1\n");
    assert_poll("row 7/r1 step=1 time=1000: loss=1\n");
    put("7/r1/meta.yaml", "w", "run_id: r1\n"); /* half-written */
    put("7/r1/metrics/loss", "a", "2000 1 2\n");
    assert_poll("");
    put("7/r1/meta.yaml", "w", "run_id: r1\nstatus: 4\n");
    assert_poll("row 7/r1 step=2 time=2000: loss=1\nevent 7/r1 4\n");
    assert_poll("");
}

static void test_what_is_no_run_is_passed_over(void **unused)
{
    (void)unused;
    put("7/gone/meta.yaml", "w", "lifecycle_stage: deleted\nrun_id: gone\nstatus: 3\n");
    put("7/gone/metrics/loss", "w", "1 1 1\n");
    put("7/models/m-1/meta.yaml", "w", "artifact_location: x\nmodel_id: m-1\n");
    put("7/models/m-1/metrics/loss", "w", "1 1 1\n");
    put("7/damaged/meta.yaml", "w", "a: [\n\t}");
    put(".trash/r2/meta.yaml", "w", "run_id: r2\nstatus: 3\n");
    assert_poll("");
}

static int probe_folder(const char *path)
{
    struct tw_log_sample sample = {path, "", 0, true, NULL};
    return tw_log_format_mlflow.probe(&sample);
}

static void test_probe_of_folders(void **unused)
{
    (void)unused;
    put("8/models/m-1/meta.yaml", "w", "artifact_location: x\nmodel_id: m-1\n");
    assert_true(probe_folder(root) >= 90);
    assert_true(probe_folder(in_root("7")) >= 90);
    assert_true(probe_folder(in_root("7/r1")) >= 90);
    assert_int_equal(probe_folder(in_root("8/models")), 0);
    assert_int_equal(probe_folder(in_root("7/r1/meta.yaml")), 0);
    assert_int_equal(probe_folder(in_root("none")), 0);
}

static void test_rows_of_the_database(void **unused)
{
    (void)unused;
    execute(
        "INSERT INTO params VALUES ('lr', '0.1', 'r1'), ('lr', '1', 'gone');"
        "INSERT INTO tags VALUES ('mlflow.user', 'me', 'r1');"
        "INSERT INTO metrics VALUES ('loss', 0.5, 1000, 'r1', 1, 0), ('b', 0, 1000, 'r1', 1, 1),"
        " ('loss', 1, 1000, 'gone', 1, 0),"
        " ('loss', 1.7976931348623157e308, 2000, 'r1', 2, 0),"
        " ('b', -1.7976931348623157e308, 2000, 'r1', 2, 0);");
    assert_poll("parameter 7/r1 lr=0.1\n"
                "parameter 7/r1 mlflow.user=me\n"
                "row 7/r1 step=1 time=1000: loss=0.5 b=nan\n"
                "row 7/r1 step=2 time=2000: loss=inf b=-inf\n");
    assert_poll("");
    execute("INSERT INTO metrics VALUES ('loss', 0.25, 3000, 'r1', 3, 0);"
            "UPDATE runs SET status = 'KILLED' WHERE run_uuid = 'r1';");
    assert_poll("row 7/r1 step=3 time=3000: loss=0.25\nevent 7/r1 5\n");
    assert_poll("");
}

static void test_a_run_of_the_database_that_goes_on_ends_again(void **unused)
{
    (void)unused;
    execute("UPDATE runs SET status = 'FINISHED' WHERE run_uuid = 'r1';");
    assert_poll("event 7/r1 3\n");
    execute("UPDATE runs SET status = 'RUNNING' WHERE run_uuid = 'r1';");
    assert_poll("");
    execute("UPDATE runs SET status = 'FAILED' WHERE run_uuid = 'r1';");
    assert_poll("event 7/r1 4\n");
    assert_poll("");
}

static void test_a_database_that_another_replaces_is_read_from_its_start(void **unused)
{
    (void)unused;
    char path[8192];
    strcpy(path, in_root("mlflow.db"));
    execute("INSERT INTO params VALUES ('lr', '0.1', 'r1');"
            "INSERT INTO metrics VALUES ('loss', 1, 1000, 'r1', 1, 0);"
            "UPDATE runs SET status = 'FINISHED' WHERE run_uuid = 'r1';");
    assert_poll("parameter 7/r1 lr=0.1\nrow 7/r1 step=1 time=1000: loss=1\nevent 7/r1 3\n");
    sqlite3_close(database);
    make_database("other.db");
    execute("INSERT INTO params VALUES ('lr', '0.2', 'r1');"
            "INSERT INTO metrics VALUES ('loss', 2, 1000, 'r1', 1, 0);"
            "UPDATE runs SET status = 'FINISHED' WHERE run_uuid = 'r1';");
    assert_int_equal(rename(in_root("other.db"), path), 0);
    assert_poll("parameter 7/r1 lr=0.2\nrow 7/r1 step=1 time=1000: loss=2\nevent 7/r1 3\n");
    assert_poll("");
}

static void copy_file(const char *from, const char *to)
{
    static char bytes[1 << 20];
    FILE *file = fopen(from, "rb");
    assert_non_null(file);
    size_t n = fread(bytes, 1, sizeof bytes, file);
    assert_true(n > 0 && n < sizeof bytes);
    fclose(file);
    file = fopen(to, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

/* As rsync does with a database on another machine. */
static void test_a_copy_in_the_place_of_the_database_goes_on(void **unused)
{
    (void)unused;
    char path[8192], copy[8192];
    strcpy(path, in_root("mlflow.db"));
    strcpy(copy, in_root("copy.db"));
    execute("INSERT INTO params VALUES ('lr', '0.1', 'r1');"
            "INSERT INTO metrics VALUES ('loss', 1, 1000, 'r1', 1, 0);"
            "INSERT INTO metrics VALUES ('loss', 0, 2000, 'r1', 2, 1);");
    assert_poll("parameter 7/r1 lr=0.1\nrow 7/r1 step=1 time=1000: loss=1\n"
                "row 7/r1 step=2 time=2000: loss=nan\n");
    for (int step = 3; step < 5; step++) {
        char insert[100], row[100];
        snprintf(insert, sizeof insert,
                 "INSERT INTO metrics VALUES ('loss', 4, 3000, 'r1', %d, 0);", step);
        execute(insert);
        copy_file(path, copy);
        assert_int_equal(rename(copy, path), 0);
        snprintf(row, sizeof row, "row 7/r1 step=%d time=3000: loss=4\n", step);
        assert_poll(row);
        assert_poll("");
        sqlite3_close(database);
        assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    }
}

static void test_many_rows_of_the_database(void **unused)
{
    (void)unused;
    execute("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)"
            " INSERT INTO metrics SELECT 'loss', i, 1000 + i, 'r1', i, 0 FROM n;");
    assert_int_equal(poll_rows(), 0);
    assert_int_equal(rows.n_rows, 5000);
}

/* Without a lock that waits for the writer for ever, and without one of ours in its way. */
static void test_a_locked_database_is_for_later(void **unused)
{
    (void)unused;
    execute("BEGIN EXCLUSIVE; INSERT INTO metrics VALUES ('loss', 1, 1000, 'r1', 1, 0);");
    assert_int_equal(poll_rows(), -EAGAIN);
    assert_string_equal(error.text, "");
    execute("COMMIT;");
    assert_poll("row 7/r1 step=1 time=1000: loss=1\n");
    execute("BEGIN EXCLUSIVE; COMMIT;");
}

static void test_probe_of_databases(void **unused)
{
    (void)unused;
    char path[8192];
    strcpy(path, in_root("mlflow.db"));
    struct tw_log_sample sample = {path, "SQLite format 3\0....", 20, false, NULL};
    assert_true(tw_log_format_mlflow_sqlite.probe(&sample) >= 90);
    sample.bytes = "SQLite format 2\0....";
    assert_int_equal(tw_log_format_mlflow_sqlite.probe(&sample), 0);
    execute("DROP TABLE metrics;");
    sample.bytes = "SQLite format 3\0....";
    assert_int_equal(tw_log_format_mlflow_sqlite.probe(&sample), 0);
    assert_true(poll_rows() < 0);
    assert_non_null(strstr(error.text, "SQLite: no such table: metrics"));
}

#define FOLDER(name) cmocka_unit_test_setup_teardown(name, setup_folder, teardown)
#define DATABASE(name) cmocka_unit_test_setup_teardown(name, setup_database, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER(test_metrics_of_one_moment_are_one_row),
        FOLDER(test_only_whole_new_lines_are_given),
        FOLDER(test_old_lines_have_no_step),
        FOLDER(test_the_order_is_that_of_logging),
        FOLDER(test_broken_lines_cost_themselves),
        FOLDER(test_many_points_are_merged),
        FOLDER(test_a_run_ends_once),
        FOLDER(test_what_is_no_run_is_passed_over),
        FOLDER(test_probe_of_folders),
        DATABASE(test_rows_of_the_database),
        DATABASE(test_a_run_of_the_database_that_goes_on_ends_again),
        DATABASE(test_a_database_that_another_replaces_is_read_from_its_start),
        DATABASE(test_a_copy_in_the_place_of_the_database_goes_on),
        DATABASE(test_many_rows_of_the_database),
        DATABASE(test_a_locked_database_is_for_later),
        DATABASE(test_probe_of_databases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

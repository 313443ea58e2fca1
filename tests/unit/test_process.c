/* Processes by /proc: a tree that looks like it, of which every figure is known. */
#include "sources/process.h"
#include "sources/process_arguments.h"
#include "sources/process_logs.h"
#include "sources/process_others.h"

#include "temporary_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the tree: TOP/proc, and files of jobs below TOP/home ---- */

static char proc[200];
static char top[100];

static const char *below(const char *name)
{
    static char paths[8][400];
    static int n;
    char *path = paths[n++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", top, name);
    return path;
}

static void make_folders(char *path)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
}

static void put(const char *name, const void *bytes, size_t size)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", top, name);
    make_folders(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void put_text(const char *name, const char *text)
{
    put(name, text, strlen(text));
}

static void put_link(const char *name, const char *target)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", top, name);
    make_folders(path);
    unlink(path);
    assert_int_equal(symlink(target, path), 0);
}

static void put_stat(long pid, long parent, const char *name, char state, unsigned long start)
{
    char path[64], text[300];
    snprintf(path, sizeof path, "proc/%ld/stat", pid);
    snprintf(text, sizeof text,
             "%ld (%s) %c %ld 7 7 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 %lu 9 10 11\n", pid, name,
             state, parent, start);
    put_text(path, text);
}

static void put_file(long pid, int fd, const char *target, const char *flags)
{
    char path[64], text[100];
    snprintf(path, sizeof path, "proc/%ld/fd/%d", pid, fd);
    put_link(path, target);
    snprintf(path, sizeof path, "proc/%ld/fdinfo/%d", pid, fd);
    snprintf(text, sizeof text, "pos:\t%d\nflags:\t%s\nmnt_id:\t29\n", fd * 100, flags);
    put_text(path, text);
}

#define READ "0100000"
#define WRITE "0102001"
#define BOTH "02"

/* A process with its folder; in our root and namespace. */
static void put_process(long pid, long parent, const char *folder)
{
    char path[64];
    put_stat(pid, parent, "python", 'S', 1000 + (unsigned long)pid);
    snprintf(path, sizeof path, "proc/%ld/root", pid);
    put_link(path, "/");
    snprintf(path, sizeof path, "proc/%ld/ns/mnt", pid);
    put_link(path, "mnt:[1]");
    snprintf(path, sizeof path, "proc/%ld/cwd", pid);
    put_link(path, folder);
    snprintf(path, sizeof path, "proc/%ld/cmdline", pid);
    put_text(path, "");
    snprintf(path, sizeof path, "proc/%ld/environ", pid);
    put_text(path, "");
    snprintf(path, sizeof path, "proc/%ld/fd/0", pid);
    put_link(path, "/dev/null");
}

static int set_up(void **state)
{
    char *path = make_directory();
    if (!path)
        return -1;
    *state = path;
    snprintf(top, sizeof top, "%s", path);
    snprintf(proc, sizeof proc, "%s/proc", path);
    put_link("proc/self/ns/mnt", "mnt:[1]");
    put_text("home/x", "");
    return 0;
}

static int tear_down(void **state)
{
    remove_directory(*state);
    return 0;
}

/* ---- who it is ---- */

static void a_name_may_hold_anything(void **state)
{
    struct tw_process process;
    (void)state;
    put_stat(12, 3, "a) S 99 (b", 'R', 777);
    assert_int_equal(tw_process_read(&process, proc, 12, NULL), 0);
    assert_string_equal(process.name, "a) S 99 (b");
    assert_int_equal(process.pid, 12);
    assert_int_equal(process.parent, 3);
    assert_int_equal(process.state, 'R');
    assert_int_equal(process.start, 777);
}

static void a_start_is_told_by_the_clock(void **state)
{
    struct tw_process process;
    (void)state;
    time_t now = time(NULL);
    assert_int_equal(tw_process_read(&process, TW_PROC, getpid(), NULL), 0);
    assert_in_range((int64_t)tw_process_started(&process), now - 60, now);
    process.start -= 3600 * (uint64_t)sysconf(_SC_CLK_TCK);
    assert_in_range((int64_t)tw_process_started(&process), now - 3661, now - 3600);
}

static void what_is_not_there_is_told(void **state)
{
    struct tw_process process;
    struct tw_error error = {0};
    (void)state;
    assert_int_equal(tw_process_read(&process, proc, 12, &error), -ESRCH);
    assert_string_equal(error.place, "process 12");
    put_text("proc/12/stat", "12 (cut off");
    assert_int_equal(tw_process_read(&process, proc, 12, NULL), -ESRCH);
    put_text("proc/12/stat", "");
    assert_int_equal(tw_process_read(&process, proc, 12, NULL), -ESRCH);
}

static void a_number_that_is_used_again_is_another_process(void **state)
{
    struct tw_process process;
    (void)state;
    put_stat(12, 3, "a", 'S', 777);
    assert_int_equal(tw_process_read(&process, proc, 12, NULL), 0);
    assert_true(tw_process_is_alive(proc, &process));
    put_stat(12, 3, "a", 'Z', 777);
    assert_false(tw_process_is_alive(proc, &process));
    put_stat(12, 3, "a", 'S', 778);
    assert_false(tw_process_is_alive(proc, &process));
}

static const char *pids(const struct tw_processes *family)
{
    static char text[200];
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < family->n; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%ld", i ? " " : "",
                                 family->at[i].pid);
    return text;
}

static void descendants_join_and_stay_when_their_parent_ends(void **state)
{
    static struct tw_processes family;
    (void)state;
    put_stat(10, 1, "launcher", 'S', 100);
    put_stat(30, 10, "worker", 'S', 101);
    put_stat(20, 30, "loader", 'S', 102);
    put_stat(40, 1, "other", 'S', 103);
    put_stat(50, 10, "dead", 'Z', 104);
    family.n = 1;
    assert_int_equal(tw_process_read(&family.at[0], proc, 10, NULL), 0);
    tw_process_family(&family, proc);
    assert_string_equal(pids(&family), "10 30 20");
    /* The launcher ends, and its worker becomes another's child. */
    put_stat(10, 1, "launcher", 'Z', 100);
    put_stat(30, 1, "worker", 'S', 101);
    tw_process_family(&family, proc);
    assert_string_equal(pids(&family), "30 20");
    put_stat(30, 1, "newcomer", 'S', 900);
    put_stat(20, 1, "newcomer", 'S', 901);
    tw_process_family(&family, proc);
    assert_string_equal(pids(&family), "");
}

/* ---- files ---- */

static void open_files_are_told_by_kind_and_way(void **state)
{
    struct tw_process_files files = {0};
    (void)state;
    put_process(12, 1, below("home"));
    put_text("home/train.log", "x");
    put_text("home/gone (deleted)", "x");
    put_file(12, 1, "pipe:[4242]", WRITE);
    put_file(12, 2, "/dev/pts/3", BOTH);
    put_file(12, 3, below("home/train.log"), WRITE);
    put_file(12, 4, below("home/train.log"), READ);
    put_file(12, 5, "socket:[9]", BOTH);
    put_file(12, 6, "anon_inode:[eventpoll]", BOTH);
    put_file(12, 7, "/dev/shm/torch_1", BOTH);
    put_file(12, 8, below("home"), READ);
    put_file(12, 11, below("home/gone (deleted)"), BOTH);
    assert_int_equal(tw_process_files(&files, proc, 12, NULL), 0);
    static const struct {
        int fd;
        enum tw_process_file_kind kind;
        bool is_written;
    } expected[] = {
        {0, TW_FILE_NULL, false},    {1, TW_FILE_PIPE, true},     {2, TW_FILE_TERMINAL, true},
        {3, TW_FILE_REGULAR, true},  {4, TW_FILE_REGULAR, false}, {5, TW_FILE_SOCKET, true},
        {6, TW_FILE_OTHER, true},    {7, TW_FILE_OTHER, true},    {8, TW_FILE_OTHER, false},
        {11, TW_FILE_REGULAR, true},
    };
    assert_int_equal(files.n, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < files.n; i++) {
        assert_int_equal(files.at[i].fd, expected[i].fd);
        assert_int_equal(files.at[i].kind, expected[i].kind);
        assert_int_equal(files.at[i].is_written, expected[i].is_written);
    }
    assert_int_equal(files.at[1].inode, 4242);
    assert_int_equal(files.at[3].position, 300);
    assert_string_equal(files.at[3].path, below("home/train.log"));
    assert_false(files.at[3].is_deleted);
    /* No name leads there: through /proc. */
    assert_true(files.at[9].is_deleted);
    assert_string_equal(files.at[9].path, below("proc/12/fd/11"));
    tw_process_files_release(&files);
}

static void a_log_in_memory_is_a_file(void **state)
{
    static const char *const names[][2] = {
        {"trainward_", ""}, {"sem.trainward-", ""}, {"trainward-", ".log"}};
    struct tw_process_files files = {0};
    char paths[3][64];
    (void)state;
    put_process(12, 1, below("home"));
    for (int i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "/dev/shm/%s%d%s", names[i][0], (int)getpid(),
                 names[i][1]);
        FILE *file = fopen(paths[i], "w");
        assert_non_null(file);
        fclose(file);
        put_file(12, 3 + i, paths[i], BOTH);
    }
    int result = tw_process_files(&files, proc, 12, NULL);
    for (int i = 0; i < 3; i++)
        unlink(paths[i]);
    assert_int_equal(result, 0);
    assert_int_equal(files.n, 4);
    assert_int_equal(files.at[1].kind, TW_FILE_OTHER);
    assert_int_equal(files.at[2].kind, TW_FILE_OTHER);
    assert_int_equal(files.at[3].kind, TW_FILE_REGULAR);
    assert_string_equal(files.at[3].path, paths[2]);
    tw_process_files_release(&files);
}

static void paths_of_a_container_lead_through_its_root(void **state)
{
    char path[400];
    (void)state;
    put_process(12, 1, "/work");
    put_text("image/work/train.log", "x");
    assert_true(tw_process_path(path, sizeof path, proc, 12, "train.log"));
    assert_string_equal(path, "/work/train.log");
    /* Another mount namespace, though the root looks alike; another root. */
    put_link("proc/12/ns/mnt", "mnt:[2]");
    assert_true(tw_process_path(path, sizeof path, proc, 12, "./train.log"));
    assert_string_equal(path, below("proc/12/root/work/train.log"));
    put_link("proc/12/ns/mnt", "mnt:[1]");
    put_link("proc/12/root", below("image"));
    assert_true(tw_process_path(path, sizeof path, proc, 12, "/work/train.log"));
    assert_string_equal(path, below("proc/12/root/work/train.log"));
    put_file(12, 3, "/work/train.log", WRITE);
    assert_true(tw_process_path(path, sizeof path, proc, 12, "."));
    assert_string_equal(path, below("proc/12/root/work"));
    assert_false(tw_process_path(path, 12, proc, 12, "train.log"));
}

/* ---- arguments and environment ---- */

static const char *outputs_of(size_t n, const char *const *words)
{
    static char text[500];
    struct tw_texts arguments = {0}, paths = {0};
    text[0] = '\0';
    for (size_t i = 0; i < n; i++)
        assert_int_equal(tw_texts_add(&arguments, words[i]), 0);
    assert_int_equal(tw_process_output_arguments(&paths, &arguments), 0);
    for (size_t i = 0; i < paths.n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s", i ? " " : "",
                 paths.at[i]);
    tw_texts_release(&arguments);
    tw_texts_release(&paths);
    return text;
}

#define OUTPUTS(...)                                                                               \
    outputs_of(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                             \
               (const char *const[]){__VA_ARGS__})

static void folders_are_taken_from_known_options(void **state)
{
    (void)state;
    assert_string_equal(OUTPUTS("python", "train.py", "--output_dir", "a", "--lr", "3"), "a");
    assert_string_equal(OUTPUTS("python", "--logdir=a", "--log-dir", "b"), "a b");
    assert_string_equal(OUTPUTS("python", "hydra.run.dir=a", "trainer.default_root_dir=b"), "a b");
    assert_string_equal(OUTPUTS("python", "--SAVE", "a", "-out", "b"), "a b");
    assert_string_equal(OUTPUTS("python", "--data_dir", "d", "--token=t", "--dir=e"), "");
    /* A flag without a value, and one at the end. */
    assert_string_equal(OUTPUTS("python", "--save", "--lr", "3", "--logdir"), "");
    assert_string_equal(OUTPUTS("save", "out"), "");
    assert_string_equal(OUTPUTS("python", "--logdir="), "");
}

static void of_the_environment_only_known_names_are_kept(void **state)
{
    static const char environment[] = "HOME=/root\0WANDB_DIR=/w\0SECRET=WANDB_DIR=x\0WANDB_DIRX=/y";
    struct tw_texts texts = {0};
    (void)state;
    put_process(12, 1, below("home"));
    put("proc/12/environ", environment, sizeof environment);
    assert_int_equal(tw_process_environment(&texts, proc, 12, tw_process_output_variables, NULL),
                     0);
    assert_int_equal(texts.n, 1);
    assert_string_equal(texts.at[0], "WANDB_DIR=/w");
    tw_texts_release(&texts);
}

static void addresses_of_servers_are_no_paths(void **state)
{
    struct tw_texts variables = {0}, paths = {0};
    static const char *const given[] = {"A=file:///m/runs",
                                        "A=sqlite:///rel.db",
                                        "A=sqlite:////abs/m.db",
                                        "A=https://u:p@host/x",
                                        "A=/plain",
                                        "A=",
                                        "A=file://host/remote",
                                        "A=postgresql://u:p@h/db"};
    (void)state;
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        assert_int_equal(tw_texts_add(&variables, given[i]), 0);
    assert_int_equal(tw_process_output_paths(&paths, &variables), 0);
    assert_int_equal(paths.n, 4);
    assert_string_equal(paths.at[0], "/m/runs");
    assert_string_equal(paths.at[1], "rel.db");
    assert_string_equal(paths.at[2], "/abs/m.db");
    assert_string_equal(paths.at[3], "/plain");
    tw_texts_release(&variables);
    tw_texts_release(&paths);
}

/* ---- places ---- */

static struct tw_processes family_of(long pid)
{
    struct tw_processes family = {.n = 1};
    assert_int_equal(tw_process_read(&family.at[0], proc, pid, NULL), 0);
    tw_process_family(&family, proc);
    return family;
}

/* "REASON path, ..." with paths below TOP. */
static const char *places_of(long pid, unsigned *ret_lost)
{
    static char text[1000];
    struct tw_process_places places;
    struct tw_processes family = family_of(pid);
    assert_int_equal(tw_process_places_find(&places, proc, &family, NULL), 0);
    text[0] = '\0';
    for (size_t i = 0; i < places.n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d %s", i ? ", " : "",
                 places.at[i].reason, places.at[i].path + strlen(top) + 1);
    if (ret_lost)
        *ret_lost = places.lost_outputs;
    tw_process_places_release(&places);
    return text;
}

static void places_come_best_first_and_once(void **state)
{
    static const char arguments[] = "python\0--output_dir\0out\0--logdir=missing\0--save=home/out";
    unsigned lost;
    (void)state;
    put_text("home/out/x", "");
    put_text("home/env/x", "");
    put_text("home/train.log", "");
    put_text("home/metrics.csv", "");
    put_text("home/data.bin", "");
    put_process(12, 1, below("home"));
    put_process(13, 12, below("home"));
    put("proc/12/cmdline", arguments, sizeof arguments);
    put_text("proc/13/environ", "WANDB_DIR=env");
    put_file(12, 1, below("home/train.log"), WRITE);
    put_file(12, 2, "/dev/pts/1", BOTH);
    put_file(12, 5, below("home/data.bin"), READ);
    put_file(13, 1, below("home/train.log"), WRITE);
    put_file(13, 4, below("home/metrics.csv"), WRITE);
    assert_string_equal(places_of(12, &lost), "0 home/metrics.csv, 1 home/train.log, 3 home/out, "
                                              "4 home/env, 5 home");
    assert_int_equal(lost, 1u << TW_FILE_TERMINAL);
}

static void who_reads_the_output_is_asked_for_its_files(void **state)
{
    unsigned lost;
    (void)state;
    put_text("home/tee.log", "");
    put_text("home/other.log", "");
    put_process(12, 1, below("home"));
    put_process(13, 1, below("home"));
    put_process(14, 1, below("home"));
    put_process(15, 1, below("home"));
    put_file(12, 1, "pipe:[7]", WRITE);
    put_file(13, 0, "pipe:[7]", READ); /* 12 | 13 | 14 > tee.log */
    put_file(13, 1, "pipe:[8]", WRITE);
    put_file(14, 0, "pipe:[8]", READ);
    put_file(14, 3, below("home/tee.log"), WRITE);
    put_file(15, 0, "pipe:[9]", READ);
    put_file(15, 3, below("home/other.log"), WRITE);
    assert_string_equal(places_of(12, &lost), "2 home/tee.log, 5 home");
    assert_int_equal(lost, 1u << TW_FILE_PIPE);
}

/* What goes through it is what we say ourselves. */
static void who_reads_our_own_output_is_not_asked(void **state)
{
    unsigned lost;
    char link[64];
    int ends[2], before = dup(STDERR_FILENO);
    struct stat status;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fstat(ends[1], &status), 0);
    snprintf(link, sizeof link, "pipe:[%lu]", (unsigned long)status.st_ino);
    put_text("home/all.log", "");
    put_process(12, 1, below("home"));
    put_process(13, 1, below("home"));
    put_file(12, 2, link, WRITE);
    put_file(13, 0, link, READ); /* { 12 & us; } 2>&1 | tee all.log */
    put_file(13, 3, below("home/all.log"), WRITE);
    assert_string_equal(places_of(12, &lost), "2 home/all.log, 5 home");
    dup2(ends[1], STDERR_FILENO);
    const char *places = places_of(12, &lost);
    dup2(before, STDERR_FILENO);
    close(before);
    close(ends[0]);
    close(ends[1]);
    assert_string_equal(places, "5 home");
}

static void put_other_side(long pid, const char *link, int terminal)
{
    char path[64], text[100];
    put_file(pid, 4, link, BOTH);
    snprintf(path, sizeof path, "proc/%ld/fdinfo/4", pid);
    snprintf(text, sizeof text, "pos:\t0\nflags:\t02\nmnt_id:\t24\nino:\t9\ntty-index:\t%d\n",
             terminal);
    put_text(path, text);
}

static void who_shows_the_terminal_is_asked_for_its_files(void **state)
{
    unsigned lost;
    (void)state;
    put_text("home/typescript", "");
    put_text("home/other", "");
    put_process(10, 1, below("home"));
    put_process(11, 10, below("home"));
    put_process(12, 11, below("home"));
    put_process(13, 1, below("home"));
    put_file(12, 1, "/dev/pts/3", BOTH); /* script -c "sh -c train" typescript */
    put_other_side(10, "/dev/ptmx", 3);
    put_file(10, 3, below("home/typescript"), WRITE);
    put_other_side(13, "/dev/ptmx", 3); /* a container's terminal of that number */
    put_file(13, 3, below("home/other"), WRITE);
    assert_string_equal(places_of(12, &lost), "2 home/typescript, 5 home");
    assert_int_equal(lost, 1u << TW_FILE_TERMINAL);
    put_other_side(10, "/dev/ptmx", 30);
    assert_string_equal(places_of(12, &lost), "5 home");
}

static void a_log_that_others_write_is_known(void **state)
{
    struct tw_processes family;
    (void)state;
    put_text("home/a/train.log", "");
    put_text("home/ab/train.log", "");
    put_process(12, 1, below("home"));
    put_process(13, 1, below("home"));
    put_file(12, 3, below("home/a/train.log"), WRITE);
    put_file(13, 3, below("home/ab/train.log"), WRITE);
    put_file(13, 4, below("home/a/train.log"), READ);
    family = family_of(12);
    assert_true(tw_process_is_written_by_others(proc, &family, below("home/ab/train.log")));
    assert_true(tw_process_is_written_by_others(proc, &family, below("home/ab")));
    assert_false(tw_process_is_written_by_others(proc, &family, below("home/a")));
    assert_false(tw_process_is_written_by_others(proc, &family, below("home/a/train.log")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_name_may_hold_anything),
        TEST(a_start_is_told_by_the_clock),
        TEST(what_is_not_there_is_told),
        TEST(a_number_that_is_used_again_is_another_process),
        TEST(descendants_join_and_stay_when_their_parent_ends),
        TEST(open_files_are_told_by_kind_and_way),
        TEST(a_log_in_memory_is_a_file),
        TEST(paths_of_a_container_lead_through_its_root),
        TEST(folders_are_taken_from_known_options),
        TEST(of_the_environment_only_known_names_are_kept),
        TEST(addresses_of_servers_are_no_paths),
        TEST(places_come_best_first_and_once),
        TEST(who_reads_the_output_is_asked_for_its_files),
        TEST(who_reads_our_own_output_is_not_asked),
        TEST(who_shows_the_terminal_is_asked_for_its_files),
        TEST(a_log_that_others_write_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Who processes are: /proc/PID/stat. See proc(5). */
#include "sources/process.h"

#include "sources/process_text.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* PF_KTHREAD of the kernel's flags, the same since Linux 2.6.27. */
#define KERNEL_THREAD 0x00200000u

/* "123 (name) S 1 ...": the name may hold anything, so that its end is the last bracket. */
static bool parse_stat(struct tw_process *ret, const char *text)
{
    unsigned long long start;
    unsigned flags;
    const char *open = strchr(text, '('), *end = strrchr(text, ')');
    if (!open || !end || end < open)
        return false;
    *ret = (struct tw_process){.pid = strtol(text, NULL, 10)};
    snprintf(ret->name, sizeof ret->name, "%.*s", (int)(end - open - 1), open + 1);
    /* Fields 3, 4, 9 and 22. */
    if (sscanf(end + 1,
               " %c %ld %*s %*s %*s %*s %u %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu",
               &ret->state, &ret->parent, &flags, &start) != 4)
        return false;
    ret->start = start;
    ret->is_kernel = flags & KERNEL_THREAD;
    return true;
}

int tw_process_read(struct tw_process *ret, const char *proc, long pid, struct tw_error *error)
{
    char text[1024];
    long n = tw_process_text(text, sizeof text, proc, pid, "stat");
    if (n == -EACCES || n == -EPERM)
        return tw_process_refused(error, proc, pid);
    if (n < 0 || !parse_stat(ret, text))
        return tw_process_missing(error, proc, pid);
    return 0;
}

bool tw_process_is_alive(const char *proc, const struct tw_process *process)
{
    struct tw_process now;
    return !tw_process_read(&now, proc, process->pid, NULL) && now.start == process->start &&
           now.state != 'Z' && now.state != 'X';
}

double tw_process_started(const struct tw_process *process)
{
    struct timespec now, up;
    long ticks = sysconf(_SC_CLK_TCK);
    if (ticks <= 0 || clock_gettime(CLOCK_REALTIME, &now) || clock_gettime(CLOCK_BOOTTIME, &up))
        return 0;
    double boot = (double)(now.tv_sec - up.tv_sec) + (double)(now.tv_nsec - up.tv_nsec) * 1e-9;
    /* The kernel cuts the start down to a tick, and files' times lag behind by as much. */
    return boot + ((double)process->start - 1) / (double)ticks;
}

/* ---- families ---- */

static bool is_in(const struct tw_processes *family, long pid)
{
    for (size_t i = 0; i < family->n; i++) {
        if (family->at[i].pid == pid)
            return true;
    }
    return false;
}

static void drop_ended(struct tw_processes *family, const char *proc)
{
    size_t kept = 0;
    for (size_t i = 0; i < family->n; i++) {
        if (tw_process_is_alive(proc, &family->at[i]))
            family->at[kept++] = family->at[i];
    }
    family->n = kept;
}

struct tw_process *tw_process_all(const char *proc, size_t *ret_n)
{
    struct tw_process *all = NULL;
    struct dirent *entry;
    size_t capacity = 0;
    *ret_n = 0;
    DIR *dir = opendir(proc);
    while (dir && (entry = readdir(dir))) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        if (*ret_n == capacity) {
            capacity = capacity ? capacity * 2 : 256;
            struct tw_process *grown = realloc(all, capacity * sizeof *grown);
            if (!grown)
                break;
            all = grown;
        }
        *ret_n += !tw_process_read(&all[*ret_n], proc, atol(entry->d_name), NULL);
    }
    if (dir)
        closedir(dir);
    return all;
}

void tw_process_family(struct tw_processes *family, const char *proc)
{
    size_t n;
    drop_ended(family, proc);
    if (!family->n)
        return;
    struct tw_process *all = tw_process_all(proc, &n);
    /* Those that join are parents in turn. */
    for (size_t parent = 0; parent < family->n; parent++) {
        for (size_t i = 0; i < n && family->n < TW_PROCESSES_MAX; i++) {
            bool is_child = all[i].parent == family->at[parent].pid && all[i].state != 'Z';
            if (is_child && !is_in(family, all[i].pid))
                family->at[family->n++] = all[i];
        }
    }
    free(all);
}

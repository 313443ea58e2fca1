/* fork(), exec() and signals. */
#include "agent/job_command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t command_pid, has_resized;

static const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

#define N_PASSED_ON (sizeof passed_on / sizeof *passed_on)

/* What a key of the terminal caused comes from the kernel, and came to the command, too: it must
 * not get it twice. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    (void)context;
    int error_number = errno;
    if (number == SIGWINCH)
        has_resized = 1;
    else if (command_pid > 0 && info->si_code <= 0)
        kill((pid_t)command_pid, number);
    errno = error_number;
}

/* What was ignored when we began (nohup) stays ignored, by us and by the command. */
static void catch_signal(int number)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
    struct sigaction before;
    sigemptyset(&action.sa_mask);
    if (!sigaction(number, NULL, &before) && before.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

/* Without a command they mean us. */
static void leave_signals(void)
{
    for (size_t i = 0; i < N_PASSED_ON; i++) {
        struct sigaction now;
        if (!sigaction(passed_on[i], NULL, &now) && now.sa_handler != SIG_IGN)
            signal(passed_on[i], SIG_DFL);
    }
}

static void let_signals_be(sigset_t *ret_before)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, ret_before);
}

/* In the child. Never returns; the error number goes to `report`. */
static void become(char *const *argv, const struct tw_job_output *output, int report,
                   void (*pipe_signal)(int), const sigset_t *mask)
{
    leave_signals();
    signal(SIGPIPE, pipe_signal);
    tw_job_output_become(output);
    sigprocmask(SIG_SETMASK, mask, NULL);
    execvp(argv[0], argv);
    int number = errno;
    (void)!write(report, &number, sizeof number);
    _exit(number == ENOENT ? TW_EXIT_NOT_FOUND : TW_EXIT_NOT_RUN);
}

/* 0 once exec() has closed the other end, else why it failed. */
static int read_report(int report)
{
    int number = 0;
    ssize_t n;
    do
        n = read(report, &number, sizeof number);
    while (n < 0 && errno == EINTR);
    return n == sizeof number ? number : 0;
}

static int start(pid_t *ret, char *const *argv, struct tw_job_output *output, const sigset_t *mask,
                 struct tw_error *error)
{
    int report[2];
    if (pipe2(report, O_CLOEXEC))
        return tw_error_set(error, -errno, "no pipe: %s", strerror(errno));
    void (*pipe_signal)(int) = signal(SIGPIPE, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0)
        become(argv, output, report[1], pipe_signal, mask);
    int number = pid < 0 ? errno : 0;
    close(report[1]);
    if (pid > 0)
        number = read_report(report[0]);
    close(report[0]);
    if (number && pid > 0)
        waitpid(pid, NULL, 0);
    if (number)
        return tw_error_at(error, -number, argv[0], 0, 0, "cannot be run: %s", strerror(number));
    *ret = pid;
    return 0;
}

int tw_job_command_start(pid_t *ret, char *const *argv, struct tw_job_output *output,
                         struct tw_error *error)
{
    sigset_t before;
    let_signals_be(&before);
    int result = start(ret, argv, output, &before, error);
    command_pid = result ? 0 : *ret;
    for (size_t i = 0; i < N_PASSED_ON && !result; i++)
        catch_signal(passed_on[i]);
    if (!result)
        catch_signal(SIGWINCH);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return result;
}

bool tw_job_command_has_ended(pid_t pid, struct tw_job_output *output, int *ret_status)
{
    int status;
    if (has_resized) {
        has_resized = 0;
        tw_job_output_resize(output);
    }
    if (!command_pid)
        return true;
    pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == 0 || (ended < 0 && errno == EINTR))
        return false;
    command_pid = 0; /* its number may be another's from now on */
    leave_signals();
    if (ended < 0)
        *ret_status = TW_EXIT_NOT_RUN;
    else
        *ret_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return true;
}

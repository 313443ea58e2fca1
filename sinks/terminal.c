/* The sink "terminal": prints advisories where a person looks. */
#include "sinks/terminal.h"

#include "sinks/sink.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { STREAM_STDOUT, STREAM_STDERR };
enum { COLOUR_AUTO, COLOUR_ALWAYS, COLOUR_NEVER };
enum { LINKS_AUTO, LINKS_PLAIN, LINKS_NEVER };

struct terminal_config {
    int stream, colour, links;
    uint64_t width;
};

static const char *const stream_names[] = {"stdout", "stderr", NULL};
static const char *const colour_names[] = {"auto", "always", "never", NULL};
static const char *const links_names[] = {"auto", "plain", "never", NULL};

static const struct tw_option terminal_options[] = {
    {"stream", TW_OPTION_CHOICE, offsetof(struct terminal_config, stream), STREAM_STDOUT,
     .choices = stream_names, .help = "where to print"},
    {"colour", TW_OPTION_CHOICE, offsetof(struct terminal_config, colour), COLOUR_AUTO,
     .choices = colour_names, .help = "auto: on a terminal, unless NO_COLOR is set"},
    {"width", TW_OPTION_COUNT, offsetof(struct terminal_config, width), 0, 0, 1000,
     .help = "columns to wrap at; 0: the terminal's own, else 80"},
    {"links", TW_OPTION_CHOICE, offsetof(struct terminal_config, links), LINKS_AUTO,
     .choices = links_names,
     .help = "to a run's view in kibana.url; auto: a hyperlink where the terminal is known to take "
             "them, else plain; plain: a line, once an episode"},
};

struct terminal {
    const struct terminal_config *config;
    const struct tw_kibana_config *kibana; /* NULL: not told */
    int fd;
};

bool tw_terminal_has_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
    if ((no_colour && no_colour[0]) || (kind && !strcmp(kind, "dumb")))
        return false;
    return isatty(fd);
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && value[0];
}

/* Terminals do not answer what they know; these say who they are. */
static bool is_known_to_take_links(void)
{
    static const char *const kinds[] = {"alacritty", "foot", "xterm-kitty", "xterm-ghostty",
                                        "wezterm"};
    static const char *const programs[] = {"iTerm.app", "WezTerm", "vscode", "ghostty"};
    const char *kind = getenv("TERM"), *program = getenv("TERM_PROGRAM"),
               *vte = getenv("VTE_VERSION");
    for (size_t i = 0; kind && i < sizeof kinds / sizeof *kinds; i++) {
        if (!strncmp(kind, kinds[i], strlen(kinds[i])))
            return true;
    }
    for (size_t i = 0; program && i < sizeof programs / sizeof *programs; i++) {
        if (!strcmp(program, programs[i]))
            return true;
    }
    return is_set("WT_SESSION") || is_set("KONSOLE_VERSION") || (vte && atoi(vte) >= 5000);
}

bool tw_terminal_has_links(int fd)
{
    const char *kind = getenv("TERM");
    bool is_between = is_set("TMUX") || is_set("STY") || (kind && !strcmp(kind, "dumb"));
    return isatty(fd) && !is_between && is_known_to_take_links();
}

unsigned tw_terminal_width(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) || !size.ws_col)
        return 80;
    return size.ws_col;
}

static int terminal_open(void **ret, const void *config, struct tw_error *error)
{
    struct terminal *terminal = calloc(1, sizeof *terminal);
    if (!terminal)
        return tw_error_set(error, -ENOMEM, "out of memory");
    terminal->config = config;
    terminal->fd = terminal->config->stream == STREAM_STDERR ? STDERR_FILENO : STDOUT_FILENO;
    *ret = terminal;
    return 0;
}

static int write_block(int fd, const char *text)
{
    size_t size = strlen(text);
    while (size) {
        ssize_t n = write(fd, text, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        size -= (size_t)n;
    }
    return 0;
}

static void deliver_one(struct terminal *terminal, const struct tw_sink_item *item,
                        struct tw_sink_result *result)
{
    const struct terminal_config *config = terminal->config;
    const struct tw_terminal_style style = {
        .is_coloured = config->colour == COLOUR_ALWAYS ||
                       (config->colour == COLOUR_AUTO && tw_terminal_has_colour(terminal->fd)),
        .width = config->width ? (unsigned)config->width : tw_terminal_width(terminal->fd),
        .kibana = config->links == LINKS_NEVER ? NULL : terminal->kibana,
        .has_links = config->links == LINKS_AUTO && tw_terminal_has_links(terminal->fd),
    };
    /* The log's items end in NUL by its own doing only; the contract gives a size. */
    char *document = strndup(item->document, item->size);
    char *block = document ? tw_terminal_render(document, &style) : NULL;
    int code = block ? write_block(terminal->fd, block) : 0;
    *result = (struct tw_sink_result){.outcome = TW_OUTCOME_DONE};
    if (!block) {
        result->outcome = TW_OUTCOME_POISON;
        snprintf(result->reason, sizeof result->reason, "not an advisory document");
    } else if (code) {
        /* Nobody has read it: what a closed terminal missed, the next agent's prints. */
        result->outcome = TW_OUTCOME_RETRY;
        snprintf(result->reason, sizeof result->reason, "cannot print: %s", strerror(-code));
    }
    free(block);
    free(document);
}

static void terminal_deliver(void *sink, const struct tw_sink_item *items, size_t n,
                             struct tw_sink_result *results)
{
    for (size_t i = 0; i < n; i++)
        deliver_one(sink, &items[i], &results[i]);
}

static void terminal_link(void *sink, const struct tw_kibana_config *kibana)
{
    struct terminal *terminal = sink;
    terminal->kibana = kibana;
}

const struct tw_sink tw_sink_terminal = {
    .name = "terminal",
    .description = "prints advisories on standard output or standard error",
    .options = terminal_options,
    .n_options = sizeof terminal_options / sizeof *terminal_options,
    .config_size = sizeof(struct terminal_config),
    .batch_max = 16,
    .open = terminal_open,
    .link = terminal_link,
    .deliver = terminal_deliver,
    .close = free,
};

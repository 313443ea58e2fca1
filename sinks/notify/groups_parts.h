/* The parts of the grouping core. For groups*.c. */
#ifndef TW_NOTIFY_GROUPS_PARTS_H
#define TW_NOTIFY_GROUPS_PARTS_H

#include "sinks/notify/alert.h"
#include "sinks/notify/groups.h"
#include "sinks/notify/limits.h"
#include "sinks/notify/notification.h"
#include "sinks/notify/times.h"

#include <jansson.h>
#include <sys/queue.h>

/* What a group's recipients know of an alert. */
enum tw_told { TW_TOLD_NOTHING, TW_TOLD_FIRING };

struct tw_known;
struct tw_group;

/* An alert in a group. */
struct tw_member {
    struct tw_known *known;
    struct tw_group *group;
    LIST_ENTRY(tw_member) of_known, of_group;
    enum tw_told told;
    int told_severity;
    bool is_held; /* a digest has to name it, whatever becomes of it meanwhile */
};

/* An episode that was seen. Those that are over and told stay known for a while: a copy of an old
 * document must not begin anything. */
struct tw_known {
    struct tw_alert alert; /* first: looked up by its episode */
    LIST_HEAD(, tw_member) members;
    TAILQ_ENTRY(tw_known) in_order; /* of groups->known, or of groups->done once it is */
    bool is_done;
    bool was_told; /* that it was open at the end of its run, which may go on */
    int64_t done_ms;
};

enum tw_hold { TW_HOLD_NOT, TW_HOLD_QUIET, TW_HOLD_LIMIT };

/* A group from its first alert until all of them are over and told. */
struct tw_group {
    char id[TW_EVENT_ID_SIZE];     /* first: looked up by it. Of route and key */
    char thread[TW_EVENT_ID_SIZE]; /* of this life of it */
    const struct tw_route *route;
    json_t *labels;
    char *key;
    uint64_t number; /* notifications so far */
    int64_t created_ms, told_ms, changed_ms;
    enum tw_hold hold;
    unsigned unsent; /* notifications in the outbox that tell of it */
    LIST_HEAD(, tw_member) members;
    LIST_ENTRY(tw_group) in_all;
};

struct tw_groups {
    struct tw_groups_options options;
    struct tw_routes routes;
    struct tw_zone zone;
    struct tw_quiet quiet[TW_QUIET_MAX];
    size_t n_quiet;
    int summary_minute; /* of the day; negative: none */

    void *by_episode, *by_group; /* tsearch() */
    TAILQ_HEAD(, tw_known) known, done;
    size_t n_known, n_done;
    LIST_HEAD(, tw_group) all;
    size_t n_groups;

    struct tw_limits_state limits;
    uint64_t n_digests, n_opened, n_closed; /* the latter two since the last summary */
    char summary_day[16];                   /* of the last one, "2026-11-27" */
    bool is_changed;                        /* these, since they were kept */

    struct tw_outbox_entry *outbox, *outbox_last;
    uint64_t outbox_number;
    json_t *progress; /* {notification: who is done}, while records are given back */
    json_t *feedback; /* {id: true} of what was said since the open */
    struct tw_groups_counts counts;
    bool has_failed;
};

/* ---- groups.c ---- */

struct tw_known *tw_known_find(const struct tw_groups *groups, const char *episode);
struct tw_known *tw_known_add(struct tw_groups *groups, const char *episode);
/* A group that is there, or a new one. NULL: out of memory. */
struct tw_group *tw_group_find(const struct tw_groups *groups, const char *id);
struct tw_group *tw_group_add(struct tw_groups *groups, const char *id);
void tw_group_remove(struct tw_groups *groups, struct tw_group *group);
struct tw_member *tw_member_add(struct tw_groups *groups, struct tw_known *known,
                                struct tw_group *group);
/* Nobody of this group has to be told of it any more. */
void tw_member_remove(struct tw_groups *groups, struct tw_member *member);
/* Ends what nobody has to be told of any more: the episode is done, an empty group is gone. */
void tw_known_settle(struct tw_groups *groups, struct tw_known *known, int64_t now_ms);
void tw_group_settle(struct tw_groups *groups, struct tw_group *group);

/* ---- groups_records.c: what is durable ---- */

void tw_groups_keep_known(struct tw_groups *groups, const struct tw_known *known);
void tw_groups_drop_known(struct tw_groups *groups, const struct tw_known *known);
void tw_groups_keep_group(struct tw_groups *groups, const struct tw_group *group);
void tw_groups_drop_group(struct tw_groups *groups, const struct tw_group *group);
void tw_groups_keep_state(struct tw_groups *groups);

/* ---- groups_due.c: who has to be told ---- */

struct tw_due {
    size_t n_pending, n_firing; /* to be told; told before and still firing */
    int severity;               /* the worst of the pending, else of the firing */
    int64_t at_ms;              /* when; INT64_MAX: nothing to tell */
    bool is_repeat;
};
bool tw_member_is_pending(const struct tw_member *member);
/* Silenced, or the consequence of another alert. */
bool tw_member_is_muted(struct tw_groups *groups, const struct tw_member *member,
                        const struct tw_silences *silences, int64_t now_ms);
void tw_group_look(struct tw_groups *groups, const struct tw_group *group,
                   const struct tw_silences *silences, int64_t now_ms, struct tw_due *ret);

/* ---- groups_make.c: telling ---- */

void tw_group_tell(struct tw_groups *groups, struct tw_group *group,
                   const struct tw_silences *silences, bool is_repeat, int64_t now_ms);
/* All groups of a destination that are held back for one of `holds` (bits). */
void tw_groups_tell_digest(struct tw_groups *groups, const char *destination, unsigned holds,
                           const struct tw_silences *silences, int64_t now_ms);
void tw_groups_tell_summary(struct tw_groups *groups, const char *day, int64_t now_ms);

/* ---- groups_outbox.c ---- */

/* `ids`: the groups that it tells of, an array. Takes over both references. */
void tw_groups_post(struct tw_groups *groups, json_t *notification, json_t *ids);
void tw_groups_post_again(struct tw_groups *groups, const json_t *record);
/* Gives back who of its recipients is done, before or behind the notification itself. */
void tw_groups_progress_again(struct tw_groups *groups, const char *id, const json_t *done);
/* All are back. */
void tw_groups_outbox_restored(struct tw_groups *groups);
void tw_groups_outbox_release(struct tw_groups *groups);

#endif

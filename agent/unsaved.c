/* A doubly linked list through the runs. */
#include "agent/unsaved.h"

#include "agent/run.h"

static bool has(const struct tw_unsaved *queue, const struct tw_run *run)
{
    return run->unsaved.earlier || queue->first == run;
}

void tw_unsaved_add(struct tw_unsaved *queue, struct tw_run *run, int64_t offset, double since)
{
    run->is_dirty = true;
    if (has(queue, run))
        return;
    run->unsaved.offset = offset;
    run->unsaved.since = since;
    run->unsaved.earlier = queue->last;
    run->unsaved.later = NULL;
    *(queue->last ? &queue->last->unsaved.later : &queue->first) = run;
    queue->last = run;
    queue->n++;
}

void tw_unsaved_remove(struct tw_unsaved *queue, struct tw_run *run)
{
    struct tw_unsaved_mark *mark = &run->unsaved;
    run->is_dirty = false;
    if (!has(queue, run))
        return;
    *(mark->earlier ? &mark->earlier->unsaved.later : &queue->first) = mark->later;
    *(mark->later ? &mark->later->unsaved.earlier : &queue->last) = mark->earlier;
    mark->earlier = mark->later = NULL;
    queue->n--;
}

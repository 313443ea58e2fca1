/* Of the course that the detectors keep: its blocks, and the losses of the newest steps. */
#include "agent/episode_chart.h"

enum { NEWEST_LOSSES = TW_EPISODE_CHART_POINTS - TW_TRACE_BLOCKS / 2 };

static void add(struct tw_episode_chart *chart, uint64_t step, double value)
{
    size_t n = chart->n;
    if (n == TW_EPISODE_CHART_POINTS || (n && step <= chart->points[n - 1].step))
        return;
    chart->points[n].step = step;
    chart->points[n].value = value;
    chart->n++;
}

/* Means of the blocks that begin before `until`; of two neighbours where there are many. */
static void add_blocks(struct tw_episode_chart *chart, const struct tw_trace *trace, uint64_t until)
{
    unsigned together = trace->n > TW_TRACE_BLOCKS / 2 ? 2 : 1;
    for (unsigned i = 0; i + together <= trace->n; i += together) {
        uint64_t step = tw_trace_step(trace, trace->n - i);
        double mean = trace->means[i];
        if (step >= until)
            return;
        add(chart, step, together == 1 ? mean : .5 * (mean + (double)trace->means[i + 1]));
    }
}

static void add_newest(struct tw_episode_chart *chart, const struct tw_course *course, unsigned n)
{
    while (n--) {
        float scaled = tw_course_at(course, n);
        double loss = scaled == TW_COURSE_ZERO && !course->is_linear
                          ? 0
                          : tw_course_loss(course, (double)scaled);
        add(chart, tw_course_step(course, n), loss);
    }
}

void tw_episode_chart_draw(const struct tw_run *run, struct tw_episode_chart *ret)
{
    const struct tw_course *course = &run->context->course;
    unsigned kept = tw_course_kept(course), newest = kept < NEWEST_LOSSES ? kept : NEWEST_LOSSES;
    ret->signal = tw_signal_name(TW_SIGNAL_LOSS);
    ret->n = 0;
    if (kept < 2)
        return;
    add_blocks(ret, &course->trace, tw_course_step(course, newest - 1));
    add_newest(ret, course, newest);
}

/* The charts of a run: places for them in the page, and the numbers that page.js draws there. */
#include "agent/report_page.h"

#include "agent/html_text.h"
#include "agent/report.h"

#include <math.h>
#include <stdlib.h>

#define SERIES_MAX 3
#define FIRST_CHARTS 2

/* Scale "auto" is logarithmic where a linear one would hide most of the course. */
static const struct chart {
    const char *title, *scale;
    size_t n;
    enum tw_signal signals[SERIES_MAX];
} chart_table[] = {
    {"Loss", "auto", 3, {TW_SIGNAL_LOSS, TW_SIGNAL_TRAIN_LOSS, TW_SIGNAL_EVAL_LOSS}},
    {"Gradient norm", "log", 1, {TW_SIGNAL_GRAD_NORM}},
    {"Learning rate", "linear", 1, {TW_SIGNAL_LEARNING_RATE}},
    {"Update norm", "log", 1, {TW_SIGNAL_UPDATE_NORM}},
    {"Weight norm", "auto", 1, {TW_SIGNAL_WEIGHT_NORM}},
    {"Loss scale", "log", 1, {TW_SIGNAL_LOSS_SCALE}},
    {"Overflow and skipped steps", "linear", 2, {TW_SIGNAL_OVERFLOW, TW_SIGNAL_SKIPPED_STEPS}},
    {"Seconds a step", "auto", 1, {TW_SIGNAL_STEP_SECONDS}},
};
#define CHARTS (sizeof chart_table / sizeof *chart_table)

uint32_t tw_report_page_signals(void)
{
    uint32_t signals = 0;
    for (size_t i = 0; i < CHARTS; i++) {
        for (size_t k = 0; k < chart_table[i].n; k++)
            signals |= 1u << chart_table[i].signals[k];
    }
    return signals;
}

/* One of a bucket's numbers, by where it stands in the struct. */
enum column { COLUMN_STEP, COLUMN_MIN, COLUMN_MEAN, COLUMN_MAX };

static double value_of(const struct tw_chart_bucket *bucket, enum column column)
{
    switch (column) {
    case COLUMN_MIN:
        return bucket->min;
    case COLUMN_MEAN:
        return bucket->mean;
    case COLUMN_MAX:
        return bucket->max;
    case COLUMN_STEP:
        break;
    }
    return (double)(bucket->first_step + (bucket->last_step - bucket->first_step) / 2);
}

/* Seven digits: more than a screen has dots. */
static void write_column(FILE *out, const char *name, const struct tw_chart_buckets *buckets,
                         enum column column)
{
    fprintf(out, ",\"%s\":[", name);
    for (size_t i = 0; i < buckets->n; i++) {
        double value = value_of(&buckets->at[i], column);
        fputs(i ? "," : "", out);
        if (column == COLUMN_STEP)
            fprintf(out, "%.0f", value);
        else if (isfinite(value))
            fprintf(out, "%.7g", value);
        else
            fputs("null", out);
    }
    putc(']', out);
}

static void write_nonfinite(FILE *out, const struct tw_chart_buckets *buckets)
{
    const char *between = "";
    fputs(",\"nonfinite\":[", out);
    for (size_t i = 0; i < buckets->n; i++) {
        if (!buckets->at[i].nonfinite)
            continue;
        fprintf(out, "%s%llu", between, (unsigned long long)buckets->at[i].first_step);
        between = ",";
    }
    putc(']', out);
}

static void write_series(FILE *out, const struct tw_chart_buckets *buckets, const char *name,
                         const char *raw_name)
{
    fprintf(out, "{\"name\":\"%s\",\"raw\":", name);
    tw_html_json_string(out, raw_name);
    write_column(out, "step", buckets, COLUMN_STEP);
    write_column(out, "mean", buckets, COLUMN_MEAN);
    bool is_one_each = true;
    for (size_t i = 0; i < buckets->n; i++)
        is_one_each &= buckets->at[i].n <= 1;
    if (!is_one_each) {
        write_column(out, "min", buckets, COLUMN_MIN);
        write_column(out, "max", buckets, COLUMN_MAX);
    }
    write_nonfinite(out, buckets);
    putc('}', out);
}

static bool has_data(const struct chart *chart, const struct tw_run_charts *charts)
{
    for (size_t i = 0; i < chart->n; i++) {
        if (charts->signal[chart->signals[i]].n)
            return true;
    }
    return false;
}

static void write_chart(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run,
                        const struct chart *chart, const struct tw_run_charts *charts)
{
    const char *between = "";
    fprintf(out, "{\"title\":\"%s\",\"scale\":\"%s\",\"series\":[", chart->title, chart->scale);
    for (size_t i = 0; i < chart->n; i++) {
        enum tw_signal signal = chart->signals[i];
        if (!charts->signal[signal].n)
            continue;
        fputs(between, out);
        write_series(out, &charts->signal[signal], tw_signal_name(signal),
                     tw_report_raw_name(analysis, run, signal));
        between = ",\n";
    }
    fputs("]}", out);
}

static void write_segments(FILE *out, const struct tw_run_charts *charts)
{
    fputs("],\n\"segments\":[", out);
    for (size_t i = 0; i < charts->n_segments; i++)
        fprintf(out, "%s{\"step\":%llu,\"text\":\"%s\"}", i ? "," : "",
                (unsigned long long)charts->segments[i].step,
                tw_segment_text(charts->segments[i].cause));
}

static void write_findings(FILE *out, const struct tw_run *run)
{
    size_t *order = tw_report_order(run);
    fputs("],\n\"findings\":[", out);
    for (size_t i = 0; order && i < run->episodes.n; i++) {
        const struct tw_finding *finding = &run->episodes.at[order[i]].finding;
        fprintf(out,
                "%s{\"detector\":\"%s\",\"severity\":\"%s\",\"state\":\"%s\",\"onset\":%llu,"
                "\"detected\":%llu}",
                i ? ",\n" : "", finding->detector, tw_severity_name(finding->severity),
                tw_state_name(finding->state), (unsigned long long)finding->onset_step,
                (unsigned long long)finding->detected_step);
    }
    free(order);
    fputs("]}\n", out);
}

static void write_place(FILE *out, const struct chart *chart, const struct tw_run_charts *charts)
{
    fprintf(out,
            "<figure class=\"chart\"><figcaption>%s</figcaption>"
            "<div class=\"plot\" role=\"img\" aria-label=\"%s by step\"></div>\n"
            "<p class=\"newest\">",
            chart->title, chart->title);
    for (size_t i = 0; i < chart->n; i++) {
        if (!charts->signal[chart->signals[i]].n)
            continue;
        fprintf(out, "<span>%s at the end: ", tw_signal_name(chart->signals[i]));
        tw_html_number(out, charts->newest[chart->signals[i]]);
        fputs("</span> ", out);
    }
    fputs("</p></figure>\n", out);
}

/* Those with data from number `first` on, before number `end`: page.js finds them in this order. */
static void write_places(FILE *out, const struct tw_run_charts *charts, size_t first, size_t end)
{
    size_t number = 0;
    fputs("<div class=\"charts\">\n", out);
    for (size_t i = 0; i < CHARTS; i++) {
        if (!has_data(&chart_table[i], charts))
            continue;
        if (number >= first && number < end)
            write_place(out, &chart_table[i], charts);
        number++;
    }
    fputs("</div>\n", out);
}

void tw_report_page_first_charts(FILE *out, const struct tw_run_charts *charts)
{
    write_places(out, charts, 0, FIRST_CHARTS);
    fputs(
        "<p class=\"key\">A dashed line: where a finding began; a solid one: where it was found; a "
        "dotted one: a new segment; a red triangle: NaN or infinite. Drag to zoom, double click to "
        "see all.</p>\n",
        out);
}

void tw_report_page_charts(FILE *out, const struct tw_analysis *analysis, const struct tw_run *run,
                           const struct tw_run_charts *charts)
{
    const char *between = "";
    write_places(out, charts, FIRST_CHARTS, CHARTS);
    fputs("<script type=\"application/json\" class=\"data\">\n{\"charts\":[", out);
    for (size_t i = 0; i < CHARTS; i++) {
        if (!has_data(&chart_table[i], charts))
            continue;
        fputs(between, out);
        write_chart(out, analysis, run, &chart_table[i], charts);
        between = ",\n";
    }
    write_segments(out, charts);
    write_findings(out, run);
    fputs("</script>\n", out);
}

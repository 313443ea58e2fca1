/* Putting a mail together: view, charts, templates, MIME. */
#include "sinks/mail/message.h"

#include "sinks/document.h"
#include "sinks/mail/chart.h"
#include "sinks/mail/view.h"
#include "sinks/mail/wrap.h"
#include "sinks/mail/mime.h"
#include "sinks/template.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_COLUMNS 72
/* A picture has 10 to 20 KB; a mail about twenty runs is read for its list. */
#define CHARTS_MAX 4
#define RECIPIENTS_MAX 100

struct draft {
    json_t *view;
    char *subject, *text, *html;
    struct tw_mail_image charts[CHARTS_MAX];
    char cids[CHARTS_MAX][400];
    size_t n_charts;
};

static void release(struct draft *draft)
{
    for (size_t i = 0; i < draft->n_charts; i++)
        free((void *)(size_t)draft->charts[i].bytes);
    free(draft->subject);
    free(draft->text);
    free(draft->html);
    json_decref(draft->view);
}

/* The marks may stand in the chart or beside it. */
static void complete_chart(json_t *chart, const json_t *alert)
{
    static const char *const marks[] = {"onset_step", "detected_step"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        json_t *step = json_object_get(alert, marks[i]);
        if (json_is_number(step) && !json_object_get(chart, marks[i]))
            json_object_set(chart, marks[i], step);
    }
}

/* A chart that cannot be drawn is left out; the mail matters more. */
static void draw_chart(struct draft *draft, json_t *alert, const char *id, const char *domain)
{
    struct tw_mail_image *image = &draft->charts[draft->n_charts];
    char *cid = draft->cids[draft->n_charts];
    unsigned char *bytes = NULL;
    json_t *chart = json_object_get(alert, "chart");
    if (!json_is_object(chart))
        return;
    complete_chart(chart, alert);
    if (tw_mail_chart(&bytes, &image->size, chart, NULL))
        return;
    image->bytes = bytes;
    snprintf(cid, sizeof draft->cids[0], "chart%zu.%s@trainward.%s", draft->n_charts, id, domain);
    image->cid = cid;
    json_object_set_new(alert, "chart_cid", json_string(cid));
    draft->n_charts++;
}

static void draw_charts(struct draft *draft, const char *domain)
{
    size_t i;
    json_t *alert;
    const char *id = tw_document_text(draft->view, "id");
    json_array_foreach(json_object_get(draft->view, "alerts"), i, alert)
    {
        if (draft->n_charts < CHARTS_MAX)
            draw_chart(draft, alert, id, domain);
    }
}

static int write_texts(struct draft *draft, const struct tw_mail_templates *templates,
                       struct tw_error *error)
{
    char *plain = NULL;
    int result = tw_mustache_render(&draft->subject, templates->subject, draft->view,
                                    TW_TEMPLATE_PLAIN, error);
    if (!result)
        result = tw_mustache_render(&plain, templates->text, draft->view, TW_TEMPLATE_PLAIN, error);
    if (!result)
        result =
            tw_mustache_render(&draft->html, templates->html, draft->view, TW_TEMPLATE_HTML, error);
    if (!result) {
        draft->text = tw_mail_wrap(plain, TEXT_COLUMNS);
        result = draft->text ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
    }
    free(plain);
    return result;
}

/* Borrows the texts. */
static struct tw_texts recipients_of(const json_t *notification, char *at[RECIPIENTS_MAX])
{
    struct tw_texts to = {.at = at};
    size_t i;
    json_t *address;
    json_array_foreach(json_object_get(notification, "to"), i, address)
    {
        if (json_is_string(address) && to.n < RECIPIENTS_MAX)
            at[to.n++] = (char *)(size_t)json_string_value(address);
    }
    return to;
}

static char *write_message(const struct draft *draft, const struct tw_mail_style *style,
                           const json_t *notification, size_t *ret_size)
{
    char date[64], id[384], thread_id[384], boundary[64], list[384], *at[RECIPIENTS_MAX];
    const char *name = tw_document_text(notification, "id");
    const char *thread = tw_document_text(notification, "thread_id");
    struct tw_texts to = recipients_of(notification, at);
    snprintf(id, sizeof id, "%s@trainward.%s", name, style->domain);
    snprintf(thread_id, sizeof thread_id, "%s@trainward.%s", thread, style->domain);
    snprintf(boundary, sizeof boundary, "=_%.48s", name);
    snprintf(list, sizeof list, "trainward.%s", style->domain);
    struct tw_mail mail = {
        .from = style->from,
        .to = &to,
        .subject = draft->subject,
        .date = tw_mail_date(tw_document_text(notification, "time"), date),
        .id = id,
        .thread_id = thread[0] && strcmp(thread, name) ? thread_id : NULL,
        .list_id = list,
        .list_name = tw_document_text(notification, "receiver"),
        .boundary = boundary,
        .text = draft->text,
        .html = draft->html,
        .images = draft->charts,
        .n_images = draft->n_charts,
    };
    return tw_mime_message(&mail, ret_size);
}

int tw_mail_message(char **ret, size_t *ret_size, const struct tw_mail_style *style,
                    const struct json_t *notification, struct tw_error *error)
{
    struct draft draft = {.view = tw_mail_view(notification, style->subject_prefix)};
    if (!draft.view)
        return tw_error_set(error, -ENOMEM, "out of memory");
    draw_charts(&draft, style->domain);
    int result = write_texts(&draft, style->templates, error);
    if (!result) {
        *ret = write_message(&draft, style, notification, ret_size);
        result = *ret ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
    }
    release(&draft);
    return result;
}

/* Reading a mail's templates. */
#include "sinks/mail/templates.h"

#include "sinks/template.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEMPLATE_MAX (256u << 10)

extern const unsigned char tw_embedded_mail_subject[], tw_embedded_mail_text[],
    tw_embedded_mail_html[];
extern const size_t tw_embedded_mail_subject_size, tw_embedded_mail_text_size,
    tw_embedded_mail_html_size;

static int read_stream(char **ret, FILE *file, const char *path, struct tw_error *error)
{
    char *text = malloc(TEMPLATE_MAX + 1);
    if (!text)
        return tw_error_set(error, -ENOMEM, "out of memory");
    size_t n = fread(text, 1, TEMPLATE_MAX + 1, file);
    int result = 0;
    if (ferror(file))
        result = tw_error_at(error, -EIO, path, 0, 0, "cannot be read: %s", strerrordesc_np(errno));
    else if (n > TEMPLATE_MAX)
        result = tw_error_at(error, -EFBIG, path, 0, 0, "a template has at most %u KiB",
                             TEMPLATE_MAX >> 10);
    else if (memchr(text, '\0', n))
        result = tw_error_at(error, -EINVAL, path, 0, 0, "is not text");
    if (result) {
        free(text);
        return result;
    }
    text[n] = '\0';
    *ret = text;
    return 0;
}

static int try_out(const char *text, const char *path, struct tw_error *error)
{
    char *made = NULL;
    json_t *nothing = json_object();
    int result = nothing ? tw_mustache_render(&made, text, nothing, TW_TEMPLATE_PLAIN, error)
                         : tw_error_set(error, -ENOMEM, "out of memory");
    if (result)
        tw_error_add_place(error, path);
    json_decref(nothing);
    free(made);
    return result;
}

static int load(char **ret, const char *path, const unsigned char *built_in, size_t size,
                struct tw_error *error)
{
    if (!path) {
        *ret = strndup((const char *)built_in, size);
        return *ret ? 0 : tw_error_set(error, -ENOMEM, "out of memory");
    }
    FILE *file = fopen(path, "re");
    if (!file)
        return tw_error_at(error, -errno, path, 0, 0, "cannot be opened: %s",
                           strerrordesc_np(errno));
    int result = read_stream(ret, file, path, error);
    fclose(file);
    return result ? result : try_out(*ret, path, error);
}

int tw_mail_templates_load(struct tw_mail_templates *ret,
                           const struct tw_mail_template_files *files, struct tw_error *error)
{
    *ret = (struct tw_mail_templates){0};
    int result = load(&ret->subject, files->subject, tw_embedded_mail_subject,
                      tw_embedded_mail_subject_size, error);
    if (!result)
        result =
            load(&ret->text, files->text, tw_embedded_mail_text, tw_embedded_mail_text_size, error);
    if (!result)
        result =
            load(&ret->html, files->html, tw_embedded_mail_html, tw_embedded_mail_html_size, error);
    if (result)
        tw_mail_templates_release(ret);
    return result;
}

void tw_mail_templates_release(struct tw_mail_templates *templates)
{
    free(templates->subject);
    free(templates->text);
    free(templates->html);
    *templates = (struct tw_mail_templates){0};
}

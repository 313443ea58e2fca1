/* Templates. Expected values: the mustache specification's tests
 * (https://github.com/mustache/spec), the JSON and HTML standards. */
#include "sinks/template.h"

#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(const char *template, const char *context, enum tw_template_escape escape,
                   const char *expected)
{
    struct tw_error error = {0};
    char *text = NULL;
    json_t *object = json_loads(context, 0, NULL);
    assert_non_null(object);
    if (tw_mustache_render(&text, template, object, escape, &error))
        fail_msg("%s", error.text);
    assert_string_equal(text, expected);
    free(text);
    json_decref(object);
}

static void expect_fault(const char *template, unsigned line, unsigned column, const char *part)
{
    struct tw_error error = {0};
    char *text = NULL;
    json_t *object = json_pack("{s:s}", "name", "{{>name}}");
    assert_int_equal(tw_mustache_render(&text, template, object, TW_TEMPLATE_PLAIN, &error),
                     -EINVAL);
    assert_null(text);
    assert_int_equal(error.line, line);
    assert_int_equal(error.column, column);
    if (!strstr(error.text, part))
        fail_msg("'%s' has no '%s'", error.text, part);
    json_decref(object);
}

static void values_are_put_in(void **state)
{
    (void)state;
    expect("Hello, {{subject}}!", "{\"subject\": \"world\"}", TW_TEMPLATE_PLAIN, "Hello, world!");
    expect("{{n}} at {{x}}", "{\"n\": 85, \"x\": 1.21}", TW_TEMPLATE_PLAIN, "85 at 1.21");
    expect("I ({{cannot}}) be seen!", "{}", TW_TEMPLATE_PLAIN, "I () be seen!");
    expect("{{a.b.c}}", "{\"a\": {\"b\": {\"c\": \"deep\"}}}", TW_TEMPLATE_PLAIN, "deep");
    expect("12{{! a comment }}34", "{}", TW_TEMPLATE_PLAIN, "1234");
}

static void sections_are_for_what_is_there(void **state)
{
    (void)state;
    expect("{{#a}}{{x}},{{/a}}", "{\"a\": [{\"x\": 1}, {\"x\": 2}]}", TW_TEMPLATE_PLAIN, "1,2,");
    expect("{{#a}}{{.}} {{/a}}", "{\"a\": [\"p\", \"q\"]}", TW_TEMPLATE_PLAIN, "p q ");
    static const char *const nothing[] = {"{}", "{\"a\": null}", "{\"a\": false}", "{\"a\": []}",
                                          "{\"a\": \"\"}"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        expect("{{#a}}yes{{/a}}{{^a}}no{{/a}}", nothing[i], TW_TEMPLATE_PLAIN, "no");
    expect("{{#a}}yes{{/a}}{{^a}}no{{/a}}", "{\"a\": true}", TW_TEMPLATE_PLAIN, "yes");
    expect("begin\n{{#a}}\nin\n{{/a}}\nend\n", "{\"a\": true}", TW_TEMPLATE_PLAIN,
           "begin\nin\nend\n");
}

/* "Standalone lines" of the specification's sections.yml and inverted.yml. */
static void lines_of_tags_alone_are_no_lines(void **state)
{
    (void)state;
    static const char template[] = "| This Is\n{{#boolean}}\n|\n{{/boolean}}\n| A Line\n";
    expect(template, "{\"boolean\": true}", TW_TEMPLATE_PLAIN, "| This Is\n|\n| A Line\n");
    expect(template, "{\"boolean\": false}", TW_TEMPLATE_PLAIN, "| This Is\n| A Line\n");
    expect("|\r\n{{#b}}\r\n{{/b}}\r\n|", "{\"b\": true}", TW_TEMPLATE_PLAIN, "|\n|");
    expect("  {{#b}}\n#{{/b}}\n/", "{\"b\": true}", TW_TEMPLATE_PLAIN, "#\n/");
    /* Blank lines that are meant, and those that come out blank, stay. */
    expect("{{#b}}\n\n{{b}}\n{{/b}}\n1{{#b}}{{/b}}\n", "{\"b\": \"x\"}", TW_TEMPLATE_PLAIN,
           "\nx\n1\n");
    expect("a\n{{#b}}{{/b}}\nc\n", "{\"b\": \"x\"}", TW_TEMPLATE_PLAIN, "a\n\nc\n");
}

static void html_is_escaped(void **state)
{
    (void)state;
    const char *context = "{\"x\": \"<a href='u'>\\\"&\\u0007\"}";
    expect("{{x}}", context, TW_TEMPLATE_HTML, "&lt;a href=&#39;u&#39;&gt;&quot;&amp;");
    expect("{{{x}}}", "{\"x\": \"<b>\"}", TW_TEMPLATE_HTML, "<b>");
    expect("{{x}}", "{\"x\": \"<b>\"}", TW_TEMPLATE_PLAIN, "<b>");
}

static void json_is_escaped(void **state)
{
    (void)state;
    expect("{\"text\": \"{{x}}\"}", "{\"x\": \"a \\\"b\\\"\\n\\\\ \\u0002 \\u00e9\"}",
           TW_TEMPLATE_JSON, "{\"text\": \"a \\\"b\\\"\\n\\\\ \\u0002 \xc3\xa9\"}");
}

static void values_are_no_templates(void **state)
{
    (void)state;
    expect("{{x}}{{{x}}}", "{\"x\": \"{{y}}\", \"y\": \"no\"}", TW_TEMPLATE_PLAIN, "{{y}}{{y}}");
    expect_fault("a\n {{>name}}", 2, 2, "partials");
    expect_fault("{{#nothing}}{{>name}}{{/nothing}}", 1, 13, "partials");
    expect_fault("{{#nothing}}\n{{ > name}}{{/nothing}}", 2, 1, "partials");
    expect("{{x}} > {{x}}", "{\"x\": 1}", TW_TEMPLATE_PLAIN, "1 > 1");
}

static void faults_have_their_place(void **state)
{
    (void)state;
    expect_fault("one\ntwo {{#open}}\nthree", 2, 5, "Unclosed section \"open\"");
    expect_fault("one\n{{/close}}", 2, 1, "Unopened section \"close\"");
    expect_fault("{{never", 1, 1, "Unclosed tag");
    expect_fault("\xff", 0, 0, "UTF-8");
    expect_fault("{{=<% %>=}}", 0, 0, "delimiters");
    expect_fault("{{#nothing}}{{ =<% %>= }}<%/nothing%>", 0, 0, "delimiters");
}

static void what_grows_without_end_is_refused(void **state)
{
    (void)state;
    struct tw_error error = {0};
    char *text = NULL;
    json_t *object = json_pack("{s:[]}", "a");
    for (int i = 0; i < 100; i++)
        json_array_append_new(json_object_get(object, "a"), json_integer(1));
    assert_int_equal(tw_mustache_render(&text,
                                        "{{#a}}{{#a}}{{#a}}{{#a}}\nten bytes\n{{/a}}{{/a}}{{/a}}"
                                        "{{/a}}",
                                        object, TW_TEMPLATE_PLAIN, &error),
                     -EINVAL);
    assert_non_null(strstr(error.text, "4 MiB"));
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_put_in),
        cmocka_unit_test(sections_are_for_what_is_there),
        cmocka_unit_test(lines_of_tags_alone_are_no_lines),
        cmocka_unit_test(html_is_escaped),
        cmocka_unit_test(json_is_escaped),
        cmocka_unit_test(values_are_no_templates),
        cmocka_unit_test(faults_have_their_place),
        cmocka_unit_test(what_grows_without_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Addresses of views, and the objects by prefix and space. What addresses must be, Python's
 * urllib.parse.quote(text, safe="-_.~:,") said. */
#include "sinks/kibana.h"
#include "sinks/kibana_objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STATE "?_g=%28filters:%21%28%29,time:%28from:now-5y,to:now%2B1d%29%29&_a="
#define BEFORE "%28query:%28language:kuery,query:%27trainward.run.id:%22"
#define BEHIND "%22%27%29%29"

static char text_url[] = "https://kibana.example/base/", text_prefix[] = "trainward";

static struct tw_kibana_config sample(void)
{
    return (struct tw_kibana_config){.url = text_url, .index_prefix = text_prefix};
}

static void test_the_address_of_a_run(void **state)
{
    char url[TW_KIBANA_URL_MAX];
    struct tw_kibana_config config = sample();
    (void)state;
    assert_string_equal(
        tw_kibana_run_url(&config, "exp-7", url),
        "https://kibana.example/base/app/dashboards#/view/trainward_run" STATE BEFORE
        "exp-7" BEHIND);
}

/* Kuery escapes " and \ by \, Rison ! and ' by !, and then all of it is encoded. */
static void test_a_run_may_be_called_anything(void **state)
{
    char url[TW_KIBANA_URL_MAX];
    struct tw_kibana_config config = sample();
    (void)state;
    tw_kibana_run_url(&config, "a\"b\\c'd!e f/g&h=#\xc3\xa9", url);
    assert_non_null(
        strstr(url, BEFORE "a%5C%22b%5C%5Cc%21%27d%21%21e%20f%2Fg%26h%3D%23%C3%A9" BEHIND));
    assert_int_equal(strspn(url, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                 "-_.~%:,/?#&="),
                     strlen(url));
}

static void test_spaces_and_tenants_are_in_addresses(void **state)
{
    char url[TW_KIBANA_URL_MAX], space[] = "ml", none[] = "default", tenant[] = "research";
    struct tw_kibana_config config = sample();
    (void)state;
    config.space = space;
    assert_string_equal(tw_kibana_dashboard_url(&config, "fleet", url),
                        "https://kibana.example/base/s/ml/app/dashboards#/view/ml_trainward_fleet");
    config.space = none;
    assert_string_equal(tw_kibana_dashboard_url(&config, "fleet", url),
                        "https://kibana.example/base/app/dashboards#/view/trainward_fleet");
    config.tenant = tenant;
    assert_string_equal(tw_kibana_dashboard_url(&config, "project", url),
                        "https://kibana.example/base/app/dashboards?security_tenant=research"
                        "#/view/trainward_project");
}

static void test_no_address_without_a_url_or_room(void **state)
{
    static char url[TW_KIBANA_URL_MAX], id[2000];
    struct tw_kibana_config config = sample();
    (void)state;
    memset(id, '"', sizeof id - 1); /* six characters each */
    assert_null(tw_kibana_run_url(&config, id, url));
    config.url = NULL;
    assert_null(tw_kibana_run_url(&config, "exp-7", url));
    assert_null(tw_kibana_dashboard_url(&config, "fleet", url));
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)); text++)
        n++;
    return n;
}

static void test_objects_take_prefix_and_space(void **state)
{
    char prefix[] = "acme", space[] = "ml";
    struct tw_kibana_config config = sample();
    (void)state;
    char *plain = tw_kibana_objects(&config);
    config.index_prefix = prefix;
    config.space = space;
    char *other = tw_kibana_objects(&config);
    assert_non_null(plain);
    assert_non_null(other);
    assert_true(count(plain, "trainward_") > 30);
    assert_int_equal(count(other, "ml_acme_"), count(plain, "trainward_"));
    assert_int_equal(count(other, "acme-"), count(plain, "trainward-"));
    assert_int_equal(count(other, "[acme]"), count(plain, "[trainward]"));
    assert_int_equal(count(other, "trainward."), count(plain, "trainward."));
    assert_int_equal(count(other, "trainward_") + count(other, "trainward-"), 0);
    free(plain);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_address_of_a_run),
        cmocka_unit_test(test_a_run_may_be_called_anything),
        cmocka_unit_test(test_spaces_and_tenants_are_in_addresses),
        cmocka_unit_test(test_no_address_without_a_url_or_room),
        cmocka_unit_test(test_objects_take_prefix_and_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

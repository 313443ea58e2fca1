/* Names as words. */
#include "sources/logs/words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* In exactly as much memory as the name has, so that sanitizers see its start and its end. */
static void split(const char *name, struct tw_words *ret)
{
    char *exact = strdup(name);
    assert_non_null(exact);
    tw_words_split(exact, ret);
    free(exact);
}

/* The words, with the '/' behind them. */
static void assert_words(const char *name, const char *expected)
{
    struct tw_words words;
    char text[1000] = "";
    split(name, &words);
    for (size_t i = 0; i < words.n; i++)
        sprintf(text + strlen(text), "%s%s%s", i ? " " : "", words.at[i],
                words.ends_path[i] ? "/" : "");
    assert_string_equal(text, expected);
}

static void names_are_split_where_a_person_would(void **state)
{
    (void)state;
    assert_words("train/loss", "train/ loss");
    assert_words("/train//Loss_1", "train/ loss 1");
    assert_words("eval loss (avg)", "eval loss avg");
    assert_words("valLoss", "val loss");
    assert_words("Loss", "loss");
    assert_words("LOSS", "loss");
    assert_words("top5Acc", "top5 acc");
    assert_words("metrics/mAP50-95(B)", "metrics/ map50 95 b");
    assert_words("mIoU", "miou");
    assert_words("mLoss", "mloss");
    assert_words("dLoss", "d loss");
    assert_words("myLoss", "my loss");
    assert_words("gr\xc3\xb6\xc3\x9f"
                 "e_x",
                 "gr\xc3\xb6\xc3\x9f"
                 "e x");
    assert_words("a\xc3\xb6Loss", "a\xc3\xb6 loss");
    assert_words("_", "");
    assert_words("/", "");
    assert_words("", "");
}

static void what_is_too_long_is_cut(void **state)
{
    (void)state;
    struct tw_words words;
    split("a b c d e f g h i j k l m n o p", &words);
    assert_int_equal(words.n, TW_WORDS_MAX);
    assert_false(words.is_cut);
    split("a b c d e f g h i j k l m n o p q/r", &words);
    assert_int_equal(words.n, TW_WORDS_MAX);
    assert_string_equal(words.at[TW_WORDS_MAX - 1], "p");
    assert_true(words.is_cut);
    split("abcdefghijklmnopqrstuvwxyz12345 x", &words);
    assert_string_equal(words.at[0], "abcdefghijklmnopqrstuvwxyz12345");
    assert_false(words.is_cut);
    split("abcdefghijklmnopqrstuvwxyz123456 x", &words);
    assert_string_equal(words.at[0], "abcdefghijklmnopqrstuvwxyz12345");
    assert_string_equal(words.at[1], "x");
    assert_true(words.is_cut);
}

static void a_word_of_a_list_is_a_whole_one(void **state)
{
    (void)state;
    assert_true(tw_words_is_one_of("loss", "loss"));
    assert_true(tw_words_is_one_of("loss", "a loss"));
    assert_true(tw_words_is_one_of("loss", "losses xloss loss b"));
    assert_false(tw_words_is_one_of("loss", "losses"));
    assert_false(tw_words_is_one_of("loss", "xloss"));
    assert_false(tw_words_is_one_of("loss", ""));
}

static void words_are_taken_out_with_what_stands_behind_them(void **state)
{
    (void)state;
    struct tw_words words;
    char text[100];
    split("a/train/b/train", &words);
    assert_true(tw_words_has(&words, "train") && tw_words_has_one_of(&words, "x b"));
    assert_int_equal(tw_words_remove(&words, "x train"), 2);
    assert_false(tw_words_has(&words, "train") || tw_words_has_one_of(&words, "x train"));
    assert_string_equal(tw_words_join(&words, text, sizeof text), "a_b");
    assert_true(words.ends_path[0] && words.ends_path[1]);
    split("train/a b", &words);
    assert_int_equal(tw_words_remove(&words, "train"), 1);
    assert_false(words.ends_path[0]);
    assert_int_equal(tw_words_remove(&words, "a b"), 2);
    assert_string_equal(tw_words_join(&words, text, sizeof text), "");
}

static void a_name_is_joined_within_its_buffer(void **state)
{
    (void)state;
    struct tw_words words;
    char text[64];
    split("one two three four five", &words);
    for (size_t size = 1; size < 30; size++) {
        memset(text, 'x', sizeof text);
        tw_words_join(&words, text, size);
        assert_memory_equal(text, "one_two_three_four_five", strlen(text));
        assert_int_equal(strlen(text), size < 24 ? size - 1 : 23);
        for (size_t i = size; i < sizeof text; i++)
            assert_int_equal(text[i], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_split_where_a_person_would),
        cmocka_unit_test(what_is_too_long_is_cut),
        cmocka_unit_test(a_word_of_a_list_is_a_whole_one),
        cmocka_unit_test(words_are_taken_out_with_what_stands_behind_them),
        cmocka_unit_test(a_name_is_joined_within_its_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

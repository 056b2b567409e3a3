// SPDX-License-Identifier: Apache-2.0
// A driver's texts, as they are shown.
#include <string.h>

#include "device/device_text.h"
#include "runner.h"

static const char *shown(const char *src) {
    static char text[64];
    memset(text, 'x', sizeof text);
    device_text_copy(text, sizeof text, src);
    return text;
}

START_TEST(blanks_around_are_taken_away) {
    ck_assert_str_eq(shown("  a  b \t\r\n"), "a  b");
    ck_assert_str_eq(shown(" \v\f "), "");
    ck_assert_str_eq(shown(""), "");
}
END_TEST

START_TEST(characters_stay) {
    static const char *const texts[] = {"plain ~", "\xC2\xA0 \xC3\xBC \xE5\x8A\xA0 \xF0\x9F\x9A\x80", "\xED\x9F\xBF\xEE\x80\x80",
                                        "\xF4\x8F\xBF\xBF"};
    for (size_t at = 0; at < sizeof texts / sizeof texts[0]; at++)
        ck_assert_str_eq(shown(texts[at]), texts[at]);
}
END_TEST

START_TEST(what_is_no_character_is_a_question_mark) {
    static const struct {
        const char *from, *to;
    } rows[] = {
        {"a\x1b[31m\nb\tc\x7f", "a?[31m?b?c?"},
        {"a\xC2\x80z\xC2\x9Fz", "a?z?z"},                 // C1 control characters
        {"a\xFFz\x80z", "a?z?z"},                         // no first byte
        {"a\xC3z\xE5\x8Az\xF0\x9F\x9Az", "a?z??z???z"},   // cut short
        {"\xC0\xAF\xC1\xBF", "????"},                     // longer than needed
        {"\xE0\x9F\xBF\xF0\x8F\xBF\xBF", "???????"},      // longer than needed
        {"\xED\xA0\x80\xF4\x90\x80\x80\xF5", "????????"}, // a surrogate; past the last
        {"end\xC3", "end?"},                              // cut short by the end
    };
    for (size_t at = 0; at < sizeof rows / sizeof rows[0]; at++)
        ck_assert_str_eq(shown(rows[at].from), rows[at].to);
}
END_TEST

START_TEST(a_long_text_is_cut_between_characters) {
    char text[6];
    device_text_copy(text, sizeof text, "abcdefg");
    ck_assert_str_eq(text, "abcde");
    device_text_copy(text, sizeof text, "\xC3\xBC\xC3\xBC\xC3\xBC");
    ck_assert_str_eq(text, "\xC3\xBC\xC3\xBC");
    device_text_copy(text, sizeof text, "ab\xF0\x9F\x9A\x80");
    ck_assert_str_eq(text, "ab");
    device_text_copy(text, sizeof text, "\x01\x02\x03\x04\x05\x06");
    ck_assert_str_eq(text, "?????");
    device_text_copy(text, 1, "abc");
    ck_assert_str_eq(text, "");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("device_text");
    TCase *tests = tcase_create("text");
    tcase_add_test(tests, blanks_around_are_taken_away);
    tcase_add_test(tests, characters_stay);
    tcase_add_test(tests, what_is_no_character_is_a_question_mark);
    tcase_add_test(tests, a_long_text_is_cut_between_characters);
    suite_add_tcase(suite, tests);
    return run_suite(suite, false);
}

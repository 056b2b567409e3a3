// SPDX-License-Identifier: Apache-2.0
// The format of the kernel cache's entries: what is not whole, to the byte, is none.
#include <stdlib.h>
#include <string.h>

#include "device/kernel_entry.h"
#include "runner.h"

static const char *reason;
static const unsigned char binary[] = {0, 1, 2, 250, ';', '\n', 0, 77};
static const kernel_key key = {{"0.1.0", "ACME CL", "OpenCL 1.2 x", "ACME #1", "OpenCL 1.2 y", "7.1", "a.cl b.cl", "-D A", "text"}};

START_TEST(what_is_written_is_read_again) {
    size_t length;
    kernel_entry entry;
    unsigned char *bytes = kernel_entry_format(&key, "one;two", binary, sizeof binary, &length);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_msg(kernel_entry_parse(&entry, bytes, length, &reason), "%s", reason);
    ck_assert(kernel_entry_matches(&entry, &key));
    ck_assert_uint_eq(entry.key[KEY_SOURCE].length, 4);
    ck_assert_int_eq(memcmp(entry.names.bytes, "one;two", 7), 0);
    ck_assert_int_eq(memcmp(entry.binary.bytes, binary, sizeof binary), 0);
    free(bytes);
}
END_TEST

START_TEST(cut_off_at_any_byte_or_longer) {
    size_t length;
    kernel_entry entry;
    unsigned char *bytes = kernel_entry_format(&key, "one;two", binary, sizeof binary, &length);
    for (size_t cut = 0; cut < length; cut++) {
        unsigned char *part = malloc(cut > 0 ? cut : 1); // of its own, so that a sanitizer sees a read beyond
        ck_assert_ptr_nonnull(part);
        memcpy(part, bytes, cut);
        ck_assert_msg(!kernel_entry_parse(&entry, part, cut, &reason), "cut at %zu of %zu it is read", cut, length);
        free(part);
    }
    unsigned char *longer = calloc(length + 9, 1);
    memcpy(longer, bytes, length);
    for (size_t more = 1; more <= 9; more++)
        ck_assert(!kernel_entry_parse(&entry, longer, length + more, &reason));
    free(longer);
    free(bytes);
}
END_TEST

START_TEST(any_byte_changed) {
    size_t length;
    kernel_entry entry;
    unsigned char *bytes = kernel_entry_format(&key, "one;two", binary, sizeof binary, &length);
    for (size_t at = 0; at < length; at++) {
        for (unsigned change = 1; change < 256; change++) {
            bytes[at] ^= (unsigned char)change;
            ck_assert_msg(!kernel_entry_parse(&entry, bytes, length, &reason), "byte %zu changed by %u is read", at, change);
            bytes[at] ^= (unsigned char)change;
        }
    }
    ck_assert(kernel_entry_parse(&entry, bytes, length, &reason));
    free(bytes);
}
END_TEST

static void put_number(unsigned char *to, uint64_t value) {
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

// Lengths that lie, under a right checksum.
START_TEST(lengths_that_reach_too_far) {
    size_t length;
    kernel_entry entry;
    unsigned char *bytes = kernel_entry_format(&key, "one;two", binary, sizeof binary, &length);
    size_t at = 16; // behind magic, version and number of fields
    for (int field = 0; field < KEY_PARTS + 2; field++) {
        const uint64_t right = bytes[at]; // all are short
        const uint64_t lies[] = {UINT64_MAX, UINT64_MAX - at, (uint64_t)1 << 63, (uint64_t)1 << 32, length, right + 1, right - 1};
        for (size_t lie = 0; lie < sizeof lies / sizeof lies[0]; lie++) {
            put_number(bytes + at, lies[lie]);
            put_number(bytes + length - 8, kernel_hash(KERNEL_HASH_START, bytes, length - 8));
            ck_assert_msg(!kernel_entry_parse(&entry, bytes, length, &reason), "the length of field %d may be %llu", field,
                          (unsigned long long)lies[lie]);
        }
        put_number(bytes + at, right);
        at += 8 + (size_t)right;
    }
    ck_assert_uint_eq(at, length - 8);
    free(bytes);
}
END_TEST

START_TEST(every_part_of_the_key_counts) {
    size_t length;
    kernel_entry entry;
    unsigned char *bytes = kernel_entry_format(&key, "one", binary, sizeof binary, &length);
    ck_assert(kernel_entry_parse(&entry, bytes, length, &reason));
    for (int part = 0; part < KEY_PARTS; part++) {
        static const char *const others[] = {"", "other", "0.1.0 "};
        for (int i = 0; i < 3; i++) {
            kernel_key other = key;
            other.parts[part] = others[i];
            ck_assert_msg(!kernel_entry_matches(&entry, &other), "part %d", part);
            ck_assert_uint_ne(kernel_key_hash(&other), kernel_key_hash(&key));
        }
    }
    // Moving text from one part to the next is another key.
    kernel_key moved = key;
    moved.parts[KEY_PLATFORM] = "ACME CLOpenCL";
    moved.parts[KEY_PLATFORM_VERSION] = " 1.2 x";
    ck_assert_uint_ne(kernel_key_hash(&moved), kernel_key_hash(&key));
    free(bytes);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("kernel_entry");
    TCase *format = tcase_create("format");
    tcase_add_test(format, what_is_written_is_read_again);
    tcase_add_test(format, cut_off_at_any_byte_or_longer);
    tcase_add_test(format, any_byte_changed);
    tcase_add_test(format, lengths_that_reach_too_far);
    tcase_add_test(format, every_part_of_the_key_counts);
    suite_add_tcase(suite, format);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }

// SPDX-License-Identifier: Apache-2.0
// Zip archives that are wrong as archives, and NumPy's .npz: bombs, names that lead outside, damage at every place.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <zip.h>

#include "load_fixture.h"
#include "runner.h"

static const float six[6] = {0, 1, 2, 3, 4, 5};

// An .npy file, header padded to 64 bytes.
static bytes make_npy(const char *descr, const char *order, const char *shape, const void *data, size_t size_bytes) {
    bytes out = {0};
    char header[118];
    const int used = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, order, shape);
    memset(header + used, ' ', sizeof header - (size_t)used);
    put(&out, "\x93NUMPY\x01\0", 8);
    put_number(&out, sizeof header, 2);
    put(&out, header, sizeof header - 1);
    put_text(&out, "\n");
    put(&out, data, size_bytes);
    return out;
}

static void add_npy(archive_builder *zip, const char *name) {
    bytes array = make_npy("<f4", "False", "(2, 3)", six, sizeof six);
    archive_add(zip, name, array.data, array.count);
    bytes_free(&array);
}

static bytes small_npz(void) {
    archive_builder zip = {.entries = 0};
    add_npy(&zip, "w.npy");
    archive_end(&zip);
    bytes out = {0};
    put_block(&out, &zip.out);
    archive_free(&zip);
    return out;
}

// --- what is read -------------------------------------------------------------------------------------------------------

static void expect_array(const char *descr, const char *order, const char *shape, const void *data, size_t size_bytes,
                         const void *values, int rank) {
    archive_builder zip = {.entries = 0};
    bytes array = make_npy(descr, order, shape, data, size_bytes);
    archive_add(&zip, "a/b.npy", array.data, array.count);
    archive_end(&zip);
    oclstm_tensors *file = load_good_bytes(&zip.out);
    ck_assert_str_eq(oclstm_tensors_format(file), "npz");
    const oclstm_tensor *found = oclstm_tensors_find(file, "a/b");
    ck_assert_ptr_nonnull(found);
    ck_assert_int_eq(found->rank, rank);
    ck_assert_uint_eq(found->size_bytes, size_bytes);
    ck_assert(!found->fortran_order && !found->swapped);
    ck_assert(size_bytes == 0 || memcmp(found->data, values, size_bytes) == 0);
    oclstm_tensors_close(&file);
    bytes_free(&array);
    archive_free(&zip);
}

START_TEST(arrays_of_every_order) {
    static const float columns[6] = {0, 3, 1, 4, 2, 5};
    unsigned char swapped[sizeof six];
    for (size_t i = 0; i < sizeof six; i++)
        swapped[i] = ((const unsigned char *)six)[i / 4 * 4 + 3 - i % 4];
    expect_array("<f4", "False", "(2, 3)", six, sizeof six, six, 2);
    expect_array("<f4", "True", "(2, 3)", columns, sizeof columns, six, 2);
    expect_array(">f4", "False", "(2, 3)", swapped, sizeof swapped, six, 2);
    expect_array("<f4", "False", "()", six + 3, 4, six + 3, 0);
    expect_array("<f4", "False", "(0, 7)", six, 0, six, 2);
    expect_array("|u1", "False", "(3,)", "abc", 3, "abc", 1);
}
END_TEST

// As numpy.savez_compressed() has it.
static void write_compressed(const char *path, const void *data, size_t size_bytes) {
    zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
    ck_assert_ptr_nonnull(zip);
    ck_assert_int_eq(zip_file_add(zip, "w.npy", zip_source_buffer(zip, data, size_bytes, 0), 0), 0);
    ck_assert_int_eq(zip_set_file_compression(zip, 0, ZIP_CM_DEFLATE, 9), 0);
    ck_assert_int_eq(zip_close(zip), 0);
}

static bytes read_whole(const char *path) {
    static unsigned char block[1 << 20];
    bytes out = {0};
    FILE *stream = fopen(path, "rb");
    ck_assert_ptr_nonnull(stream);
    put(&out, block, fread(block, 1, sizeof block, stream));
    fclose(stream);
    return out;
}

START_TEST(compressed_archives) {
    bytes array = make_npy("<f4", "False", "(2, 3)", six, sizeof six);
    const char *path = file_path("small.npz");
    write_compressed(path, array.data, array.count);
    oclstm_tensors *file = load_good(path);
    ck_assert_mem_eq(oclstm_tensors_at(file, 0)->data, six, sizeof six);
    oclstm_tensors_close(&file);
    bytes packed = read_whole(path);
    ck_assert_uint_lt(packed.count, array.count + 100);
    ck_assert_int_eq(load_truncated(&packed), 0);
    load_extremes(&packed, NULL);
    bytes_free(&packed);
    bytes_free(&array);
}
END_TEST

// Zeros that pack a thousand times: refused by the sizes in the directory, before anything is unpacked.
START_TEST(a_bomb) {
    static const char zeros[4096] = "";
    bytes array = make_npy("<f4", "False", "(4194304,)", NULL, 0);
    for (int i = 0; i < 4096; i++)
        put(&array, zeros, sizeof zeros);
    write_compressed(file_path("bomb.npz"), array.data, array.count);
    bytes packed = read_whole(file_path("bomb.npz"));
    ck_assert_uint_lt(packed.count, array.count / 500);
    load_refused_bytes(&packed, "would unfold to more than");
    load_within(&packed, (size_t)8 << 20);
    // The directory claims less than there is: found when it is unpacked, and no more is unpacked than claimed.
    unsigned char *directory = packed.data + packed.count - 22;
    size_t at = directory[16] | (size_t)directory[17] << 8 | (size_t)directory[18] << 16;
    memcpy(packed.data + at + 24, "\x00\x10\x00\x00", 4);
    memcpy(packed.data + 22, "\x00\x10\x00\x00", 4);
    load_refused_bytes(&packed, "damaged");
    load_within(&packed, (size_t)8 << 20);
    bytes_free(&packed);
    bytes_free(&array);
}
END_TEST

// --- names and directories ----------------------------------------------------------------------------------------------

START_TEST(names_that_lead_outside) {
    static const char *const names[] = {"/w.npy", "../w.npy", "a/../../w.npy", "a/..",
                                        "..",     "\\w.npy",  "a\\..\\w.npy",  "..\\w.npy"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        archive_builder zip = {.entries = 0};
        add_npy(&zip, "good.npy");
        add_npy(&zip, names[i]);
        archive_end(&zip);
        load_refused_bytes(&zip.out, "which points outside it");
        archive_free(&zip);
    }
    // Dots are no such thing.
    static const char *const plain[] = {"...npy", "a..b/w.npy", "..a/w.npy", "a/...npy"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        archive_builder zip = {.entries = 0};
        add_npy(&zip, plain[i]);
        archive_end(&zip);
        oclstm_tensors *file = load_good_bytes(&zip.out);
        oclstm_tensors_close(&file);
        archive_free(&zip);
    }
}
END_TEST

START_TEST(archives_of_something_else) {
    archive_builder zip = {.entries = 0};
    archive_end(&zip);
    load_refused_bytes(&zip.out, "zip archive");
    archive_free(&zip);
    archive_add(&zip, "word/document.xml", "<w/>", 4);
    archive_end(&zip);
    load_refused_bytes(
        &zip.out, "neither of PyTorch (no entry ends in /data.pkl) nor of NumPy (the entry 'word/document.xml' is no .npy file)");
    archive_free(&zip);
    archive_add(&zip, "m/data/0", six, sizeof six); // the pickle is missing
    archive_add(&zip, "m/byteorder", "little", 6);
    archive_end(&zip);
    load_refused_bytes(&zip.out, "no entry ends in /data.pkl");
    archive_free(&zip);
    archive_add(&zip, ".npy", six, sizeof six);
    archive_end(&zip);
    load_refused_bytes(&zip.out, "is no .npy file");
    archive_free(&zip);
    archive_add(&zip, "w.npy", six, sizeof six);
    archive_end(&zip);
    load_refused_bytes(&zip.out, "w.npy");
    archive_free(&zip);
}
END_TEST

START_TEST(duplicates) {
    archive_builder zip = {.entries = 0};
    add_npy(&zip, "w.npy");
    add_npy(&zip, "w.npy");
    archive_end(&zip);
    load_refused_bytes(&zip.out, "zip archive");
    archive_free(&zip);
}
END_TEST

START_TEST(encrypted_and_unknown_methods) {
    bytes made = small_npz();
    const size_t directory = made.count - 22 - 46 - strlen("w.npy");
    ck_assert_mem_eq(made.data + directory, "PK\x01\x02", 4);
    made.data[6] |= 1; // both headers say encrypted
    made.data[directory + 8] |= 1;
    load_refused_bytes(&made, "is encrypted");
    made.data[6] = made.data[directory + 8] = 0;
    made.data[8] = made.data[directory + 10] = 97; // a method that nobody has
    load_refused_bytes(&made, "is damaged");
    bytes_free(&made);
}
END_TEST

START_TEST(a_wrong_checksum) {
    bytes made = small_npz();
    unsigned char *at = made.data + 30 + strlen("w.npy") + 128; // the first element
    *at ^= 1;
    load_refused_bytes(&made, "is damaged");
    *at ^= 1;
    oclstm_tensors *file = load_good_bytes(&made);
    oclstm_tensors_close(&file);
    bytes_free(&made);
}
END_TEST

// Two entries of the directory that share the bytes of one: either refused, or each is what it says.
START_TEST(entries_that_overlap) {
    archive_builder zip = {.entries = 0};
    add_npy(&zip, "w.npy");
    add_npy(&zip, "v.npy");
    unsigned char *second = zip.directory.data + 46 + strlen("w.npy");
    memset(second + 42, 0, 4); // where the first one is
    archive_end(&zip);
    load_any(&zip.out);
    archive_free(&zip);
}
END_TEST

// Thousands of entries that all are one: what they unfold to is counted before.
START_TEST(a_bomb_of_overlaps) {
    archive_builder zip = {.entries = 0};
    static const char zeros[1 << 16] = "";
    bytes array = make_npy("<f4", "False", "(16384,)", zeros, sizeof zeros);
    for (int i = 0; i < 60000; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.npy", i);
        const size_t begin = zip.directory.count;
        archive_builder one = {.entries = 0};
        archive_add(&one, name, array.data, i < 2 ? array.count : 0);
        if (i == 0)
            put_block(&zip.out, &one.out);
        put_block(&zip.directory, &one.directory);
        memcpy(zip.directory.data + begin + 20, zip.directory.data + 20, 8); // as large as the first
        zip.entries++;
        archive_free(&one);
    }
    archive_end(&zip);
    load_refused_bytes(&zip.out, "zip archive");
    load_within(&zip.out, 64 * zip.out.count + ((size_t)32 << 20));
    bytes_free(&array);
    archive_free(&zip);
}
END_TEST

// --- every place, every length ------------------------------------------------------------------------------------------

START_TEST(truncated_at_every_byte) {
    bytes made = small_npz();
    ck_assert_int_eq(load_truncated(&made), 0);
    bytes_free(&made);
}
END_TEST

START_TEST(every_field_at_its_extremes) {
    bytes made = small_npz();
    ck_assert_int_gt(load_extremes(&made, NULL), 100);
    bytes_free(&made);
}
END_TEST

// The array's header in an archive whose checksum is right.
static bool load_as_array(const bytes *array) {
    archive_builder zip = {.entries = 0};
    archive_add(&zip, "w.npy", array->data, array->count);
    archive_end(&zip);
    const bool opened = load_any(&zip.out);
    archive_free(&zip);
    return opened;
}

START_TEST(arrays_within_archives) {
    bytes array = make_npy("<f4", "True", "(2, 3)", six, sizeof six);
    ck_assert(load_as_array(&array));
    for (size_t count = 0; count < array.count; count++)
        ck_assert(!load_as_array(&(bytes){.data = array.data, .count = count}));
    load_extremes(&array, load_as_array);
    bytes_free(&array);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("zip_files");
    TCase *tcase = file_case(suite, "zip");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, arrays_of_every_order);
    tcase_add_test(tcase, compressed_archives);
    tcase_add_test(tcase, a_bomb);
    tcase_add_test(tcase, names_that_lead_outside);
    tcase_add_test(tcase, archives_of_something_else);
    tcase_add_test(tcase, duplicates);
    tcase_add_test(tcase, encrypted_and_unknown_methods);
    tcase_add_test(tcase, a_wrong_checksum);
    tcase_add_test(tcase, entries_that_overlap);
    tcase_add_test(tcase, a_bomb_of_overlaps);
    tcase_add_test(tcase, truncated_at_every_byte);
    tcase_add_test(tcase, every_field_at_its_extremes);
    tcase_add_test(tcase, arrays_within_archives);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }

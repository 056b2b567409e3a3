// SPDX-License-Identifier: Apache-2.0
// Slices along every axis, from every layout, against plain indexing.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <oclstm/tensors.h>

#include "file_fixture.h"
#include "runner.h"

// Shapes at and around the edges of the tiles in which Fortran order is read, and with extents of 1.
static const struct {
    int rank;
    int64_t shape[5];
} shapes[] = {{0, {0}},          {1, {7}},         {2, {1, 1}},      {2, {31, 33}},   {2, {32, 32}},        {2, {65, 3}},
              {2, {2, 97}},      {3, {5, 4, 3}},   {3, {33, 2, 34}}, {3, {64, 1, 5}}, {3, {1, 40, 1}},      {4, {3, 4, 5, 6}},
              {4, {2, 1, 3, 1}}, {2, {20000, 33}}, {3, {2, 3, 0}},   {1, {0}},        {5, {2, 3, 33, 2, 3}}};

// float16 holds integers up to 2048 exactly, so every format holds these.
static double value_at(size_t index) { return (double)(index % 2039) - 1000; }

typedef struct format {
    const char *descr;
    size_t element_bytes;
    bool big_endian;
} format;
static const format formats[] = {{"<f4", 4, false}, {">f4", 4, true},  {"<f8", 8, false},
                                 {">f8", 8, true},  {"<f2", 2, false}, {">f2", 2, true}};

static void store(unsigned char *to, double value, const format *as) {
    uint64_t bits = 0;
    float single = (float)value;
    if (as->element_bytes == 8) {
        memcpy(&bits, &value, 8);
    } else {
        uint32_t word;
        memcpy(&word, &single, 4);
        bits = word;
        if (as->element_bytes == 2) // an integer of at most 11 bits: its fraction is only cut where it is zero
            bits = value == 0 ? 0 : (word >> 16 & 0x8000) | ((((word >> 23) & 0xff) - 112) << 10) | (word >> 13 & 0x3ff);
    }
    for (size_t i = 0; i < as->element_bytes; i++)
        to[as->big_endian ? as->element_bytes - 1 - i : i] = (unsigned char)(bits >> (8 * i));
}

static size_t element_count(int rank, const int64_t *shape) {
    size_t count = 1;
    for (int axis = 0; axis < rank; axis++)
        count *= (size_t)shape[axis];
    return count;
}

// Writes the array whose element at C-order position n is value_at(n).
static const char *write_array(int rank, const int64_t *shape, const format *as, bool fortran_order) {
    char header[256];
    int used = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': %s, 'shape': (", as->descr,
                        fortran_order ? "True" : "False");
    for (int axis = 0; axis < rank; axis++)
        used += snprintf(header + used, sizeof header - (size_t)used, "%lld,", (long long)shape[axis]);
    snprintf(header + used, sizeof header - (size_t)used, "), }");
    size_t count = element_count(rank, shape);
    unsigned char *data = malloc(count * as->element_bytes + 1);
    for (size_t n = 0; n < count; n++) {
        size_t rest = n;
        size_t place = n;
        if (fortran_order) {
            size_t index[5] = {0};
            for (int axis = rank - 1; axis >= 0; axis--) {
                index[axis] = rest % (size_t)shape[axis];
                rest /= (size_t)shape[axis];
            }
            place = 0;
            for (int axis = rank - 1; axis >= 0; axis--)
                place = place * (size_t)shape[axis] + index[axis];
        }
        store(data + place * as->element_bytes, value_at(n), as);
    }
    const char *path = file_write_npy("array", 1, header, data, count * as->element_bytes);
    free(data);
    return path;
}

static void check_slice(const oclstm_tensors *file, int axis, int64_t first, int64_t count, oclstm_dtype dtype, bool drop) {
    const oclstm_tensor *tensor = oclstm_tensors_at(file, 0);
    size_t outer = 1;
    size_t inner = 1;
    for (int i = 0; i < tensor->rank; i++) {
        if (i < axis)
            outer *= (size_t)tensor->shape[i];
        else if (i > axis)
            inner *= (size_t)tensor->shape[i];
    }
    size_t extent = tensor->rank == 0 ? 1 : (size_t)tensor->shape[axis];
    size_t total = outer * (size_t)count * inner;
    size_t element_bytes = oclstm_dtype_size_bytes(dtype);
    unsigned char *dst = malloc(total * element_bytes + 8);
    memset(dst, 0x5a, total * element_bytes + 8);
    oclstm_error error = {.message = ""};
    ck_assert_msg(oclstm_tensor_read(file, tensor, axis, first, count, dtype, dst, drop, &error) == OCLSTM_OK, "%s", error.message);
    for (size_t n = 0; n < total; n++) {
        size_t block = n / ((size_t)count * inner);
        size_t source = (block * extent + (size_t)first) * inner + n % ((size_t)count * inner);
        double found = dtype == OCLSTM_F64 ? ((double *)(void *)dst)[n] : (double)((float *)(void *)dst)[n];
        if (found != value_at(source))
            ck_abort_msg("rank %d, axis %d, first %lld, count %lld, element %zu: %g, expected %g", tensor->rank, axis,
                         (long long)first, (long long)count, n, found, value_at(source));
    }
    for (size_t i = 0; i < 8; i++)
        ck_assert_int_eq(dst[total * element_bytes + i], 0x5a);
    free(dst);
}

START_TEST(slices_of_every_layout) {
    const int64_t *shape = shapes[_i].shape;
    int rank = shapes[_i].rank;
    for (size_t f = 0; f < 2 * sizeof formats / sizeof *formats; f++) {
        oclstm_tensors *file = NULL;
        const char *path = write_array(rank, shape, &formats[f / 2], f % 2 != 0);
        ck_assert_int_eq(oclstm_tensors_open(&file, path, NULL), OCLSTM_OK);
        for (int axis = 0; axis < (rank == 0 ? 1 : rank); axis++) {
            int64_t extent = rank == 0 ? 1 : shape[axis];
            const int64_t cuts[] = {0, extent / 3, extent - extent / 4, extent};
            for (size_t i = 0; i < 4; i++) {
                for (size_t j = i; j < 4; j++)
                    check_slice(file, axis, cuts[i], cuts[j] - cuts[i], j % 2 ? OCLSTM_F32 : OCLSTM_F64, (i + f) % 2 == 0);
            }
        }
        oclstm_tensors_close(&file);
    }
}
END_TEST

START_TEST(what_does_not_lie_in_the_tensor_is_refused) {
    const int64_t shape[] = {4, 3};
    const int64_t limit = INT64_MAX;
    oclstm_tensors *file = NULL;
    oclstm_error error;
    float dst[12] = {0};
    ck_assert_int_eq(oclstm_tensors_open(&file, write_array(2, shape, &formats[0], false), NULL), OCLSTM_OK);
    const oclstm_tensor *tensor = oclstm_tensors_at(file, 0);
    const int64_t bad[][3] = {{0, 0, 5}, {0, 5, 0},  {0, 4, 1},     {0, -1, 1},    {0, 0, -1},        {1, 3, 1},
                              {2, 0, 1}, {-1, 0, 1}, {0, 1, limit}, {0, limit, 1}, {0, limit, limit}, {0, INT64_MIN, limit}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(oclstm_tensor_read(file, tensor, (int)bad[i][0], bad[i][1], bad[i][2], OCLSTM_F32, dst, false, &error),
                         OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_tensor_read(file, tensor, 0, 3, 2, OCLSTM_F32, dst, false, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "2 indices from 3 along axis 0 do not lie in its shape [4][3]"));
    ck_assert_int_eq(oclstm_tensor_read(file, tensor, 0, 0, 1, OCLSTM_I16, dst, false, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_tensor_read(file, tensor, 0, 0, 1, OCLSTM_F32, NULL, false, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_tensor_read(file, NULL, 0, 0, 1, OCLSTM_F32, dst, false, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_tensor_read(NULL, tensor, 0, 0, 1, OCLSTM_F32, dst, false, NULL), OCLSTM_INVALID_ARGUMENT);
    oclstm_tensor foreign = *tensor;
    foreign.data = dst;
    ck_assert_int_eq(oclstm_tensor_read(file, &foreign, 0, 0, 1, OCLSTM_F32, dst, false, &error), OCLSTM_INVALID_ARGUMENT);
    foreign = *tensor;
    foreign.shape[0] = 5;
    ck_assert_int_eq(oclstm_tensor_read(file, &foreign, 0, 0, 1, OCLSTM_F32, dst, false, &error), OCLSTM_INVALID_ARGUMENT);
    oclstm_tensors_close(&file);
}
END_TEST

START_TEST(integers_are_refused) {
    oclstm_tensors *file = NULL;
    oclstm_error error;
    int64_t values[2] = {1, 2};
    double dst[2];
    const char *path =
        file_write_npy("integers", 1, "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }", values, sizeof values);
    ck_assert_int_eq(oclstm_tensors_open(&file, path, NULL), OCLSTM_OK);
    ck_assert_int_eq(oclstm_tensor_read(file, oclstm_tensors_at(file, 0), 0, 0, 2, OCLSTM_F64, dst, false, &error),
                     OCLSTM_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.message, "is int64"));
    oclstm_tensors_close(&file);
}
END_TEST

// Only with `drop`: a touch of the mapping would be a signal.
START_TEST(a_file_that_shrank_is_an_error) {
    const int64_t shape[] = {4000, 3};
    oclstm_tensors *file = NULL;
    oclstm_error error;
    static double dst[12000];
    for (size_t i = 0; i < 4; i++) {
        const char *path = write_array(2, shape, &formats[i / 2], i % 2 != 0);
        ck_assert_int_eq(oclstm_tensors_open(&file, path, NULL), OCLSTM_OK);
        ck_assert_int_eq(truncate(path, 40000), 0);
        for (int axis = 0; axis < 2; axis++) {
            ck_assert_int_eq(
                oclstm_tensor_read(file, oclstm_tensors_at(file, 0), axis, 1, shape[axis] - 1, OCLSTM_F64, dst, true, &error),
                OCLSTM_IO);
            ck_assert_ptr_nonnull(strstr(error.message, "now ends at byte 40000"));
        }
        oclstm_tensors_close(&file);
    }
}
END_TEST

// A line of the process's status: resident memory now, or at most so far; 0 where the system does not say.
static size_t resident_bytes(const char *key) {
    char line[256];
    size_t kilobytes = 0;
    FILE *stream = fopen("/proc/self/status", "r");
    while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0)
            kilobytes = strtoul(line + strlen(key), NULL, 10);
    }
    if (stream != NULL)
        fclose(stream);
    return kilobytes * 1024;
}

// A file of 512 MiB, all of it a hole, read through in slices: by rows, by columns, and from Fortran order, also in one go.
START_TEST(memory_stays_bounded) {
    enum { ROWS = 1 << 12, STEPS = 1 << 13, ELEMENTS = 4, SLICES = 16 };
    static const size_t bound_bytes = (size_t)16 << 20;
    const char *orders[] = {"False", "False", "True", "True"};
    for (int i = 0; i < 4; i++) {
        char header[128];
        int axis = i % 2;
        snprintf(header, sizeof header, "{'descr': '<f4', 'fortran_order': %s, 'shape': (%d, %d, %d), }", orders[i], ROWS, STEPS,
                 ELEMENTS);
        const char *path = file_write_npy("large", 1, header, "", 0);
        ck_assert_int_eq(truncate(path, 128 + (off_t)ROWS * STEPS * ELEMENTS * 4), 0);
        oclstm_tensors *file = NULL;
        oclstm_error error = {.message = ""};
        ck_assert_msg(oclstm_tensors_open(&file, path, &error) == OCLSTM_OK, "%s", error.message);
        const oclstm_tensor *tensor = oclstm_tensors_at(file, 0);
        int64_t count = tensor->shape[axis] / SLICES;
        size_t slice_bytes = (size_t)tensor->size_bytes / SLICES;
        void *dst = malloc(slice_bytes);
        memset(dst, 1, slice_bytes);
        size_t before = resident_bytes("VmRSS:");
        size_t peak_before = resident_bytes("VmHWM:");
        for (int slice = 0; slice < SLICES; slice++)
            ck_assert_int_eq(oclstm_tensor_read(file, tensor, axis, slice * count, count, OCLSTM_F32, dst, true, &error),
                             OCLSTM_OK);
        size_t after = resident_bytes("VmRSS:");
        size_t peak = resident_bytes("VmHWM:");
        ck_assert_uint_le(after, before + (8 << 20));
        ck_assert_msg(peak <= peak_before || peak <= before + bound_bytes, "order %d: peak of %zu MiB over %zu", i, peak >> 20,
                      before >> 20);
        free(dst);
        oclstm_tensors_close(&file);
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("tensor_read");
    TCase *tcase = file_case(suite, "read");
    tcase_add_loop_test(tcase, slices_of_every_layout, 0, (int)(sizeof shapes / sizeof *shapes));
    tcase_add_test(tcase, what_does_not_lie_in_the_tensor_is_refused);
    tcase_add_test(tcase, integers_are_refused);
    tcase_add_test(tcase, a_file_that_shrank_is_an_error);
    tcase_add_test(tcase, memory_stays_bounded);
    tcase_set_timeout(tcase, 100);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }

// SPDX-License-Identifier: Apache-2.0
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oclstm/tensors.h>

#include "file_fixture.h"
#include "runner.h"

static oclstm_tensors *file;
static oclstm_error error;

// From "name dtype extent extent; ...": tensors of zeros, one after the other.
static void open_tensors(const char *description) {
    static const unsigned char zeros[1 << 16];
    static char header[1 << 16];
    size_t used = 0;
    size_t offset = 0;
    oclstm_tensors_close(&file);
    for (const char *from = description; *from != '\0';) {
        char name[512];
        char dtype[8];
        int length = 0;
        ck_assert_int_eq(sscanf(from, "%511s %7s%n", name, dtype, &length), 2);
        from += length;
        size_t bytes = strcmp(dtype, "F64") == 0 ? 8 : (strcmp(dtype, "F32") == 0 || strcmp(dtype, "I32") == 0 ? 4 : 2);
        used += (size_t)sprintf(header + used, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", offset || used ? "," : "{", name, dtype);
        for (long extent; sscanf(from, "%ld%n", &extent, &length) == 1; from += length) {
            used += (size_t)sprintf(header + used, "%s%ld", header[used - 1] == '[' ? "" : ",", extent);
            bytes *= (size_t)extent;
        }
        used += (size_t)sprintf(header + used, "],\"data_offsets\":[%zu,%zu]}", offset, offset + bytes);
        offset += bytes;
        from += strspn(from, "; ");
    }
    strcpy(header + used, used ? "}" : "{}");
    ck_assert_msg(oclstm_tensors_open(&file, file_write_safetensors("cells", header, zeros, offset), &error) == OCLSTM_OK, "%s",
                  error.message);
}

static void close_tensors(void) { oclstm_tensors_close(&file); }

static void expect_refusal(const char *name, oclstm_status status, const char *words) {
    oclstm_cell_entry entry = {.layer = 7};
    oclstm_status found = oclstm_tensors_find_cell(file, name, &entry, &error);
    ck_assert_msg(found == status, "%s: %s", oclstm_status_name(found), error.message);
    ck_assert_msg(strstr(error.message, words) != NULL, "'%s' lacks '%s'", error.message, words);
    ck_assert_ptr_null(entry.weight_ih);
}

static oclstm_cell_entry find(const char *name) {
    oclstm_cell_entry entry;
    ck_assert_msg(oclstm_tensors_find_cell(file, name, &entry, &error) == OCLSTM_OK, "%s", error.message);
    return entry;
}

#define CELL(prefix, suffix)                                                                                                       \
    prefix "weight_ih" suffix " F32 8 3;" prefix "weight_hh" suffix " F32 8 2;" prefix "bias_ih" suffix " F32 8;" prefix           \
           "bias_hh" suffix " F32 8;"

START_TEST(a_cell_by_its_name) {
    open_tensors("x F32 5 3;" CELL("encoder.lstm.", "") "grad_weight_ih F32 8 3;");
    oclstm_cell_entry entry = find("encoder.lstm");
    ck_assert_str_eq(entry.name, "encoder.lstm");
    ck_assert_int_eq(entry.input_size, 3);
    ck_assert_int_eq(entry.hidden_size, 2);
    ck_assert_int_eq(entry.proj_size, 0);
    ck_assert(entry.bias && !entry.reverse);
    ck_assert_int_eq(entry.layer, -1);
    ck_assert_int_eq(entry.dtype, OCLSTM_F32);
    ck_assert_str_eq(entry.weight_ih->name, "encoder.lstm.weight_ih");
    ck_assert_str_eq(entry.weight_hh->name, "encoder.lstm.weight_hh");
    ck_assert_str_eq(entry.bias_ih->name, "encoder.lstm.bias_ih");
    ck_assert_str_eq(entry.bias_hh->name, "encoder.lstm.bias_hh");
    ck_assert_str_eq(find(NULL).name, "encoder.lstm");
    expect_refusal("lstm", OCLSTM_NOT_FOUND, "has no cell 'lstm'; its cells are 'encoder.lstm'");
    expect_refusal("", OCLSTM_NOT_FOUND, "has no cell ''");
    expect_refusal("encoder", OCLSTM_NOT_FOUND, "'encoder.lstm'");
    expect_refusal("encoder.lstm_l0", OCLSTM_NOT_FOUND, "'encoder.lstm'");
    expect_refusal("grad", OCLSTM_NOT_FOUND, "'encoder.lstm'");
}
END_TEST

START_TEST(a_bare_cell_and_one_without_bias) {
    open_tensors("weight_ih F16 4 1; weight_hh F16 4 1;");
    oclstm_cell_entry entry = find(NULL);
    ck_assert_str_eq(entry.name, "");
    ck_assert(!entry.bias);
    ck_assert_ptr_null(entry.bias_ih);
    ck_assert_ptr_null(entry.bias_hh);
    ck_assert_int_eq(entry.hidden_size, 1);
    ck_assert_int_eq(entry.dtype, OCLSTM_F16);
    ck_assert_ptr_eq(find("").weight_ih, entry.weight_ih);
}
END_TEST

START_TEST(layers_of_an_lstm) {
    open_tensors(CELL("rnn.", "_l0") CELL("rnn.", "_l0_reverse") CELL("", "_l12") CELL("a_l3.", "_l10_reverse"));
    static const struct {
        const char *name;
        int layer;
        bool reverse;
        const char *weight_ih;
    } known[] = {{"rnn_l0", 0, false, "rnn.weight_ih_l0"},
                 {"rnn_l0_reverse", 0, true, "rnn.weight_ih_l0_reverse"},
                 {"l12", 12, false, "weight_ih_l12"},
                 {"a_l3_l10_reverse", 10, true, "a_l3.weight_ih_l10_reverse"}};
    oclstm_cell_entry entries[5];
    ck_assert_uint_eq(oclstm_tensors_cells(file, entries, 5), 4);
    for (size_t i = 0; i < 4; i++) {
        oclstm_cell_entry entry = find(known[i].name);
        ck_assert_str_eq(entry.name, known[i].name);
        ck_assert_str_eq(entries[i].name, known[i].name);
        ck_assert_int_eq(entry.layer, known[i].layer);
        ck_assert_int_eq(entry.reverse, known[i].reverse);
        ck_assert_str_eq(entry.weight_ih->name, known[i].weight_ih);
        ck_assert_str_eq(entries[i].bias_hh->name, entry.bias_hh->name);
    }
    ck_assert_uint_eq(oclstm_tensors_cells(file, NULL, 0), 4);
    entries[1].layer = 99;
    ck_assert_uint_eq(oclstm_tensors_cells(file, entries, 1), 4);
    ck_assert_int_eq(entries[1].layer, 99);
    expect_refusal(NULL, OCLSTM_NOT_FOUND,
                   "several cells, of which one must be named; its cells are 'rnn_l0', 'rnn_l0_reverse', 'l12', ");
    expect_refusal("rnn", OCLSTM_NOT_FOUND, "'rnn_l0'");
    expect_refusal("rnn_l1", OCLSTM_NOT_FOUND, "'rnn_l0'");
    expect_refusal("_l12", OCLSTM_NOT_FOUND, "'l12'");
    expect_refusal("rnn_l00", OCLSTM_NOT_FOUND, "'rnn_l0'");
    expect_refusal("rnn_l99999999999999999999", OCLSTM_NOT_FOUND, "'rnn_l0'");
}
END_TEST

// A cell of that very name comes before a layer.
START_TEST(a_name_that_may_mean_two) {
    open_tensors(CELL("rnn.", "_l0") CELL("rnn_l0.", ""));
    ck_assert_str_eq(find("rnn_l0").weight_ih->name, "rnn_l0.weight_ih");
}
END_TEST

START_TEST(projection) {
    open_tensors("weight_ih_l0 F32 8 3; weight_hh_l0 F32 8 1; weight_hr_l0 F32 1 2;");
    oclstm_cell_entry entry = find("l0");
    ck_assert_int_eq(entry.proj_size, 1);
    ck_assert_int_eq(entry.hidden_size, 2);
    open_tensors("weight_ih_l0 F32 8 3; weight_hh_l0 F32 8 2; weight_hr_l0 F32 1 2;");
    expect_refusal("l0", OCLSTM_FORMAT, "'weight_hh_l0' has shape [8][2]; dimension 1 is 2, expected 1: [4*hidden][projection]");
    open_tensors("weight_ih_l0 F32 8 3; weight_hh_l0 F32 8 2; weight_hr_l0 F32 2 3;");
    expect_refusal("l0", OCLSTM_FORMAT, "'weight_hr_l0' has shape [2][3]; dimension 1 is 3, expected 2");
}
END_TEST

static const struct {
    const char *tensors;
    const char *words;
} misfits[] = {
    {"c.weight_ih F32 8 3; c.weight_hh F32 8 3;",
     "'c.weight_hh' has shape [8][3]; dimension 1 is 3, expected 2: [4*hidden][hidden]"},
    {"c.weight_ih F32 8 3; c.weight_hh F32 4 2;", "'c.weight_hh' has shape [4][2]; dimension 0 is 4, expected 8"},
    {"c.weight_ih F32 6 3; c.weight_hh F32 6 1;", "'c.weight_ih' has 6 rows, expected a multiple of 4"},
    {"c.weight_ih F32 24; c.weight_hh F32 8 2;", "'c.weight_ih' has shape [24], expected 2 dimensions"},
    {"c.weight_ih F32 8 3; c.weight_hh F32 8 2 1;", "'c.weight_hh' has shape [8][2][1], expected 2 dimensions"},
    {"c.weight_ih F32 8 0; c.weight_hh F32 8 2;", "dimension 1 is 0, expected at least 1"},
    {"c.weight_ih F32 0 3; c.weight_hh F32 0 0;", "dimension 0 is 0, expected at least 1"},
    {"c.weight_ih F32 8 3;", "has the tensor 'c.weight_ih' but not 'c.weight_hh'"},
    {"c.weight_ih F32 8 3; c.weight_hh F32 8 2; c.bias_ih F32 8;", "has the tensor 'c.bias_ih' but not 'c.bias_hh'"},
    {"c.weight_ih F32 8 3; c.weight_hh F32 8 2; c.bias_hh F32 8;", "has the tensor 'c.bias_hh' but not 'c.bias_ih'"},
    {"c.weight_ih F32 8 3; c.weight_hh F32 8 2; c.bias_ih F32 4; c.bias_hh F32 8;",
     "'c.bias_ih' has shape [4]; dimension 0 is 4, expected 8"},
    {"c.weight_ih F32 8 3; c.weight_hh F32 8 2; c.bias_ih F32 8; c.bias_hh F32 8 1;",
     "'c.bias_hh' has shape [8][1], expected 1 dim"},
    {"c.weight_ih I32 8 3; c.weight_hh I32 8 2;", "'c.weight_ih' is int32; expected float32"},
    {"c.weight_ih F64 8 3; c.weight_hh F32 8 2;", "'c.weight_hh' is float32; expected float64 as 'c.weight_ih' is"},
    {"c.weight_ih F32 8 3; c.weight_hh F32 8 2; c.bias_ih F16 8; c.bias_hh F16 8;", "'c.bias_ih' is float16; expected float32"},
};

START_TEST(what_does_not_fit_is_named) {
    open_tensors(misfits[_i].tensors);
    expect_refusal("c", OCLSTM_FORMAT, misfits[_i].words);
    expect_refusal(NULL, OCLSTM_FORMAT, misfits[_i].words);
    ck_assert_uint_eq(oclstm_tensors_cells(file, NULL, 0), 0);
}
END_TEST

START_TEST(a_weight_without_its_partner) {
    open_tensors("c.weight_hh F32 8 2;");
    expect_refusal("c", OCLSTM_FORMAT, "has the tensor 'c.weight_hh' but not 'c.weight_ih'");
    expect_refusal(NULL, OCLSTM_NOT_FOUND, "its tensors are 'c.weight_hh'");
}
END_TEST

// The misfit beside a cell that is whole does not stand in its way.
START_TEST(the_only_whole_cell) {
    open_tensors("a.weight_ih F32 8 3;" CELL("b.", ""));
    ck_assert_str_eq(find(NULL).name, "b");
}
END_TEST

START_TEST(files_without_cells) {
    open_tensors("");
    expect_refusal(NULL, OCLSTM_NOT_FOUND, "has no cell; it has no tensors");
    open_tensors(
        "x F32 2; .weight_ih F32 8 3; .weight_hh F32 8 2; weight_ih_lx F32 8 3; weight_ih_l F32 8 3; my_weight_ih F32 8 3;");
    expect_refusal(NULL, OCLSTM_NOT_FOUND, "its tensors are 'x', '.weight_ih'");
    ck_assert_uint_eq(oclstm_tensors_cells(file, NULL, 0), 0);
    ck_assert_uint_eq(oclstm_tensors_cells(NULL, NULL, 0), 0);
    oclstm_cell_entry entry;
    ck_assert_int_eq(oclstm_tensors_find_cell(NULL, NULL, &entry, &error), OCLSTM_INVALID_ARGUMENT);
    ck_assert_int_eq(oclstm_tensors_find_cell(file, NULL, NULL, &error), OCLSTM_INVALID_ARGUMENT);
    oclstm_tensors_close(&file);
    float value = 0;
    const char *path =
        file_write_npy("array", 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", &value, sizeof value);
    ck_assert_int_eq(oclstm_tensors_open(&file, path, &error), OCLSTM_OK);
    expect_refusal(NULL, OCLSTM_NOT_FOUND, "it is an .npy file");
}
END_TEST

// An entry's name has 256 bytes; a cell whose name has more cannot be asked for.
START_TEST(long_names) {
    char name[260];
    char description[2048];
    for (size_t length = 253; length < 258; length++) {
        memset(name, 'n', length);
        name[length] = '\0';
        snprintf(description, sizeof description, "%s.weight_ih F32 4 1; %s.weight_hh F32 4 1;", name, name);
        open_tensors(description);
        ck_assert_uint_eq(oclstm_tensors_cells(file, NULL, 0), length < 256 ? 1 : 0);
        if (length < 256)
            ck_assert_str_eq(find(name).name, name);
        else
            expect_refusal(name, OCLSTM_NOT_FOUND, "has no cell");
        snprintf(description, sizeof description, "%s.weight_ih_l0 F32 4 1; %s.weight_hh_l0 F32 4 1;", name, name);
        open_tensors(description);
        ck_assert_uint_eq(oclstm_tensors_cells(file, NULL, 0), 0);
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("cells_in_file");
    TCase *tcase = file_case(suite, "cells");
    tcase_add_checked_fixture(tcase, NULL, close_tensors);
    tcase_add_test(tcase, a_cell_by_its_name);
    tcase_add_test(tcase, a_bare_cell_and_one_without_bias);
    tcase_add_test(tcase, layers_of_an_lstm);
    tcase_add_test(tcase, a_name_that_may_mean_two);
    tcase_add_test(tcase, projection);
    tcase_add_loop_test(tcase, what_does_not_fit_is_named, 0, (int)(sizeof misfits / sizeof *misfits));
    tcase_add_test(tcase, a_weight_without_its_partner);
    tcase_add_test(tcase, the_only_whole_cell);
    tcase_add_test(tcase, files_without_cells);
    tcase_add_test(tcase, long_names);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }

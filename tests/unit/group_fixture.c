// SPDX-License-Identifier: Apache-2.0
#include "group_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool pair_open(oclstm_device *devices[2], group_pair pair) {
    const int index = oclstm_device_get_info(fixture_device())->index;
    oclstm_error error = {0};
    for (int i = 0; i < 2; i++) {
        char selector[32];
        snprintf(selector, sizeof selector, pair == PAIR_PARTS ? "%d/%d/2" : "%d", index, i);
        devices[i] = NULL;
        const oclstm_status status = oclstm_device_open(&devices[i], selector, &error);
        if (pair == PAIR_PARTS && (status == OCLSTM_UNSUPPORTED || status == OCLSTM_INVALID_ARGUMENT)) {
            printf("# no parts: %s\n", error.message);
            return false;
        }
        expect_ok(status, &error);
    }
    return true;
}

void pair_close(oclstm_device *devices[2]) {
    oclstm_device_close(&devices[0]);
    oclstm_device_close(&devices[1]);
}

oclstm_group *group_of(const cell_problem *problem, oclstm_device *const *devices, size_t count, const double *speeds) {
    const cell_case *shape = &problem->shape;
    const int64_t gates = 4 * shape->hidden;
    oclstm_cell_params params = {.dtype = shape->dtype, .engine = shape->engine};
    params.weight_ih = oclstm_in_2d(problem->weights[0].data, shape->dtype, gates, shape->input);
    params.weight_hh = oclstm_in_2d(problem->weights[1].data, shape->dtype, gates, shape->hidden);
    if (!shape->no_bias) {
        params.bias_ih = oclstm_in_1d(problem->weights[2].data, shape->dtype, gates);
        params.bias_hh = oclstm_in_1d(problem->weights[3].data, shape->dtype, gates);
    }
    oclstm_group *group = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_group_create(&group, devices, count, &params, &error), &error);
    if (speeds != NULL)
        group_fix_speeds(group, speeds);
    return group;
}

oclstm_status group_run(cell_problem *problem, oclstm_group *group, oclstm_error *error) {
    if (problem->shape.steps > 0) {
        const oclstm_sequence call = problem_call(problem);
        return oclstm_group_sequence(group, &call, error);
    }
    const oclstm_step call = problem_step(problem);
    return oclstm_group_step(group, &call, error);
}

int64_t group_rows(const oclstm_group *group, size_t index) {
    oclstm_share share;
    ck_assert_int_eq(oclstm_group_get_share(group, index, &share, NULL), OCLSTM_OK);
    return share.rows;
}

static const cell_values *result_of(const cell_problem *problem, int i) {
    const cell_values *const all[] = {&problem->y, &problem->h_out, &problem->c_out};
    return all[i];
}

group_results results_keep(const cell_problem *problem) {
    group_results kept;
    for (int i = 0; i < 3; i++) {
        const cell_values *values = result_of(problem, i);
        kept.bytes[i] = (size_t)values->count * oclstm_dtype_size_bytes(values->dtype);
        kept.data[i] = fixture_alloc(1, kept.bytes[i]);
        memcpy(kept.data[i], values->data, kept.bytes[i]);
    }
    return kept;
}

void results_free(group_results *results) {
    for (int i = 0; i < 3; i++)
        free(results->data[i]);
}

void results_expect(const group_results *results, const cell_problem *problem, const char *what) {
    static const char *const names[] = {"y", "h_out", "c_out"};
    const cell_case *shape = &problem->shape;
    const int64_t element = (int64_t)oclstm_dtype_size_bytes(shape->dtype);
    for (int i = 0; i < 3; i++) {
        cell_values got = *result_of(problem, i), kept = got;
        kept.data = results->data[i];
        int64_t at = 0;
        while (at < got.count && memcmp((char *)got.data + at * element, (char *)kept.data + at * element, (size_t)element) == 0)
            at++;
        ck_assert_msg(at == got.count,
                      "%s: %s[%lld] is %.9g, expected %.9g; input %d, hidden %d, batch %d, steps %d%s, %s, engine %s, "
                      "OCLSTM_TEST_SEED=%llu",
                      what, names[i], (long long)at, cell_values_get(&got, at), cell_values_get(&kept, at), (int)shape->input,
                      (int)shape->hidden, (int)shape->batch, (int)shape->steps, shape->batch_first ? ", batch first" : "",
                      oclstm_dtype_name(shape->dtype), oclstm_engine_name(shape->engine), (unsigned long long)fixture_seed());
    }
}

void results_clear(cell_problem *problem) {
    cell_values *const all[] = {&problem->y, &problem->h_out, &problem->c_out};
    for (int i = 0; i < 3; i++)
        memset(all[i]->data, 0x55, (size_t)all[i]->count * oclstm_dtype_size_bytes(all[i]->dtype));
}

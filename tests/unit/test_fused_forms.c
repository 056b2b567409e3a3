// SPDX-License-Identifier: Apache-2.0
// Each form of the fused engine, forced through tuned settings, against the reference: also those that the rule would not take on the
// device at hand, so that a GPU's kernels are held to the numbers on a CPU.
#include "base/error.h"
#include "cell/fused.h"
#include "cell/fused_plan.h"
#include "cell_fixture.h"
#include "device/tuned.h"

static const fused_form forms[] = {FUSED_UNITS, FUSED_ROWS, FUSED_STEP, FUSED_GROUP};

// Settings with one entry, for this shape.
static void force(const cell_case *shape, fused_form form, size_t groups, size_t chunk) {
    tuned_settings settings = {.shape_count = 1};
    tuned_shape *entry = &settings.shapes[0];
    *entry = (tuned_shape){.dtype = shape->dtype,
                           .batch = shape->batch > 0 ? (size_t)shape->batch : 1,
                           .input = (size_t)shape->input,
                           .hidden = (size_t)shape->hidden,
                           .groups = groups,
                           .chunk = chunk};
    base_copy_string(entry->engine, sizeof entry->engine, "fused");
    base_copy_string(entry->form, sizeof entry->form, fused_form_name(form));
    device_set_tuned(fixture_device(), &settings);
}

static const int64_t inputs[] = {1, 5, 33}, hiddens[] = {1, 15, 16, 17, 31, 32, 33, 64, 100}, batches[] = {0, 1, 2, 3, 4, 5, 9},
                     lengths[] = {1, 2, 7};

static void check_form(fused_form form, oclstm_dtype dtype) {
    for (size_t i = 0; i < 9 * 7; i++) {
        const cell_case shape = {.input = inputs[i % 3],
                                 .hidden = hiddens[i % 9],
                                 .batch = batches[i / 9],
                                 .steps = lengths[(i / 3 + i) % 3],
                                 .dtype = dtype,
                                 .engine = OCLSTM_ENGINE_FUSED,
                                 .batch_first = i % 2 == 1,
                                 .no_bias = i % 5 == 0,
                                 .in_place = i % 4 == 0};
        force(&shape, form, 1 + i % 3, i % 4 * 3);
        const fused_settings got =
            fused_settings_choose(oclstm_device_get_info(fixture_device()), device_get_tuned(fixture_device()), dtype,
                                  (size_t)shape.input, (size_t)shape.hidden, shape.batch > 0 ? (size_t)shape.batch : 1, true);
        ck_assert_str_eq(fused_form_name(got.form), fused_form_name(form));
        check_case(&shape);
    }
}

START_TEST(forms_float32) { check_form(forms[_i], OCLSTM_F32); }
END_TEST

START_TEST(forms_float64) {
    if (fixture_has_fp64())
        check_form(forms[_i], OCLSTM_F64);
}
END_TEST

// A cell that was packed for one layout goes on to be right when settings change under it.
START_TEST(settings_change_under_a_cell) {
    const cell_case shape = {.input = 20, .hidden = 40, .batch = 3, .steps = 4, .engine = OCLSTM_ENGINE_FUSED};
    cell_problem *problem = problem_create(&shape);
    tuned_settings settings = {.fused = {{8, 2}, {4, 2}}};
    device_set_tuned(fixture_device(), &settings);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    problem_solve(problem);
    problem_run(problem, cell);
    problem_compare(problem, cell);
    for (int width = 4; width <= 16; width *= 2) {
        settings.fused[0] = (tuned_fused){(size_t)width, 3};
        device_set_tuned(fixture_device(), &settings);
        const cell_case other = {.input = 20, .hidden = 40, .batch = width, .steps = 2, .engine = OCLSTM_ENGINE_FUSED};
        cell_problem *second = problem_create(&other);
        for (int i = 0; i < 4; i++) {
            for (int64_t k = 0; k < second->weights[i].count; k++)
                cell_values_set(&second->weights[i], k, cell_values_get(&problem->weights[i], k));
        }
        problem_solve(second);
        problem_run(second, cell);
        problem_compare(second, cell);
        problem_destroy(&second);
    }
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

// With no patience at all every meeting is lost, and the results are right all the same; afterwards the groups are not trusted again.
START_TEST(lost_meetings) {
    const cell_case shape = {.input = 30, .hidden = 200, .batch = 2, .steps = 30, .engine = OCLSTM_ENGINE_FUSED};
    const cl_int patience = fused_patience;
    force(&shape, FUSED_UNITS, 2, 8);
    fused_patience = 0;
    cell_problem *problem = problem_create(&shape);
    oclstm_cell *cell = problem_cell(problem, fixture_device());
    problem_solve(problem);
    for (int run = 0; run < 4; run++) {
        problem_run(problem, cell);
        problem_compare(problem, cell);
    }
    const fused_data *data = cell->plans[0]->engine_data;
    // On one core, or where the probe failed (a busy machine), nothing met to begin with.
    ck_assert_msg(data->settings.groups == 1 || data->settings.form != FUSED_UNITS || data->given_up == 1,
                  "%zu groups, %d meetings lost", data->settings.groups, data->given_up);
    fused_patience = patience;
    oclstm_cell_destroy(&cell);
    problem_destroy(&problem);
}
END_TEST

static void close_all(void) { fixture_close(); }

static Suite *make_suite(void) {
    Suite *suite = suite_create("fused_forms");
    TCase *tests = tcase_create("reference");
    tcase_set_timeout(tests, 0);
    tcase_add_unchecked_fixture(tests, NULL, close_all);
    tcase_add_loop_test(tests, forms_float32, 0, 4);
    tcase_add_loop_test(tests, forms_float64, 0, 4);
    tcase_add_test(tests, settings_change_under_a_cell);
    tcase_add_test(tests, lost_meetings);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }

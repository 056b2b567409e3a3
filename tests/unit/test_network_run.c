// SPDX-License-Identifier: Apache-2.0
// Networks against the double reference: every kind of layer, every form of a call, slices, engines, the next call after another.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file_fixture.h"
#include "network/network_private.h"
#include "network_fixture.h"

static model_fixture m;

// --- models -------------------------------------------------------------------------------------------------------------

static oclstm_tensors *tagger(void) {
    model_add_linear(&m, "embed.", 6, 9, false);
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5, .layers = 2, .directions = 2);
    model_add_linear(&m, "tag.", 10, 4, true);
    model_add_metadata(&m, "oclstm.layers", "embed,lstm,tag,softmax");
    return model_open(&m);
}

static oclstm_tensors *stack(void) {
    MODEL_LSTM(&m, .prefix = "", .input = 7, .hidden = 13, .layers = 3);
    return model_open(&m);
}

static oclstm_tensors *both_directions(void) {
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 7, .hidden = 13, .layers = 2, .directions = 2, .no_bias = true);
    return model_open(&m);
}

static oclstm_tensors *projection(void) {
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 7, .hidden = 13, .proj = 4, .layers = 2);
    model_add_linear(&m, "head.", 4, 9, true);
    return model_open(&m);
}

static oclstm_tensors *projection_both(void) {
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 3, .hidden = 9, .proj = 4, .layers = 2, .directions = 2);
    return model_open(&m);
}

static oclstm_tensors *cells(void) {
    model_add_cell(&m, "one.", 7, 12);
    model_add_cell(&m, "two.", 12, 12);
    model_add_linear(&m, "head.", 12, 3, false);
    model_add_metadata(&m, "oclstm.layers", "one,two,relu,head,sigmoid");
    return model_open(&m);
}

static oclstm_tensors *of_two_widths(void) {
    MODEL_LSTM(&m, .prefix = "a.", .input = 7, .hidden = 13);
    MODEL_LSTM(&m, .prefix = "b.", .input = 13, .hidden = 6, .layers = 2);
    return model_open(&m);
}

// On the general kernel, by a clip, and backward only.
static oclstm_tensors *general_backward(void) {
    MODEL_LSTM(&m, .prefix = "node.", .input = 5, .hidden = 8);
    model_add_metadata(&m, "node.clip", "0.25");
    model_add_metadata(&m, "node.direction", "reverse");
    return model_open(&m);
}

static oclstm_tensors *general_stack(void) {
    MODEL_LSTM(&m, .prefix = "node.", .input = 5, .hidden = 8, .layers = 2);
    model_add_metadata(&m, "node.clip", "0.25");
    return model_open(&m);
}

typedef struct known_model {
    const char *name;
    oclstm_tensors *(*open)(void);
    double clip;
    bool backward, one_state;
} known_model;

static const known_model models[] = {
    {"tagger", tagger, 0, true, true},
    {"stack", stack, 0, false, true},
    {"both directions", both_directions, 0, true, true},
    {"projection", projection, 0, false, true},
    {"projection in both directions", projection_both, 0, true, true},
    {"cells", cells, 0, false, true},
    {"two widths", of_two_widths, 0, false, false},
    {"general, backward", general_backward, 0.25, true, true},
    {"general stack", general_stack, 0.25, false, true},
};
enum { MODELS = sizeof models / sizeof models[0] };

// --- every form of a call -----------------------------------------------------------------------------------------------

static const int unsorted[] = {3, 7, 1, 7, 5};
static const network_case forms[] = {
    {.steps = 7, .batch = 5},
    {.steps = 7, .batch = 5, .lengths = unsorted, .long_tokens = true},
    {.steps = 7, .batch = 5, .lengths = unsorted, .batch_first = true, .state = true},
    {.steps = 6, .batch = 4, .batch_first = true, .state = true, .in_place = true, .long_tokens = true},
    {.steps = 4, .batch = 0, .state = true},
    {.steps = 4, .batch = 0, .batch_first = true},
    {.steps = 1, .batch = 1},
    {.steps = 3, .batch = 2, .without_y = true},
    {.steps = 3, .batch = 2, .without_state = true},
    {.steps = 7, .batch = 5, .lengths = unsorted, .without_y = true, .state = true, .in_place = true},
};
enum { FORMS = sizeof forms / sizeof forms[0] };

static network_case form_of(const known_model *model, int form) {
    network_case shape = forms[form];
    shape.clip = model->clip;
    shape.state = shape.state && model->one_state;
    return shape;
}

// One network, so that each call comes after others of another shape.
static void check_forms(const known_model *model, const oclstm_network_params *params, const char *options) {
    oclstm_tensors *file = model->open();
    oclstm_network *network = network_fixture_load(file, params);
    for (int round = 0; round < 2; round++) {
        for (int form = 0; form < FORMS; form++) {
            char what[128];
            const network_case shape = form_of(model, form);
            snprintf(what, sizeof what, "%s, form %d%s", model->name, form, options);
            check_network(network, file, &shape, what);
        }
    }
    oclstm_network_destroy(&network);
    ck_assert_ptr_null(network);
    oclstm_tensors_close(&file);
}

START_TEST(every_form) { check_forms(&models[_i], NULL, ""); }
END_TEST

START_TEST(float64) {
    if (fixture_has_fp64())
        check_forms(&models[_i], &(oclstm_network_params){.dtype_given = true, .dtype = OCLSTM_F64}, ", float64");
}
END_TEST

START_TEST(engines) {
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++)
        check_forms(&models[_i], &(oclstm_network_params){.engine = *engine}, oclstm_engine_name(*engine));
}
END_TEST

// --- slices -------------------------------------------------------------------------------------------------------------

static void run(oclstm_network *network, network_problem *p) {
    const oclstm_network_call call = network_problem_call(p);
    oclstm_error error = {0};
    expect_ok(oclstm_network_run(network, &call, &error), &error);
}

// The same data in one slice, then in many: the same bits.
static void check_slices(const known_model *model, const network_case *shape, oclstm_engine engine) {
    const size_t slice_bytes = network_slice_bytes, product_bytes = general_product_bytes;
    oclstm_tensors *file = model->open();
    oclstm_network *network = network_fixture_load(file, &(oclstm_network_params){.engine = engine});
    network_problem *p = network_problem_create(network, shape);
    const size_t element = oclstm_dtype_size_bytes(p->dtype);
    run(network, p);
    void *y = fixture_alloc(p->y_count, element), *hn = fixture_alloc(p->h_count, element),
         *cn = fixture_alloc(p->c_count, element);
    memcpy(y, p->y_host, p->y_count * element);
    memcpy(hn, p->hn_host, p->h_count * element);
    memcpy(cn, p->cn_host, p->c_count * element);
    for (int steps = 1; steps < 4; steps++) {
        network_slice_bytes = (size_t)steps * (size_t)p->rows * network->widest * element;
        general_product_bytes = steps == 3 ? 1 : (size_t)(3 - steps) * 4 * 13 * (size_t)p->rows * element;
        ck_assert_uint_eq(network_slice_steps(network, (size_t)shape->steps, (size_t)p->rows),
                          (size_t)(model->backward ? shape->steps : steps));
        memset(p->y_host, 0x5A, p->y_count * element);
        memset(p->hn_host, 0x5A, p->h_count * element);
        oclstm_network_destroy(&network); // with it the buffers of the longer slices
        network = network_fixture_load(file, &(oclstm_network_params){.engine = engine});
        run(network, p);
        ck_assert_msg(memcmp(y, p->y_host, p->y_count * element) == 0, "%s: y of slices of %d steps differs", model->name, steps);
        ck_assert_msg(memcmp(hn, p->hn_host, p->h_count * element) == 0, "%s: hn of slices of %d steps differs", model->name,
                      steps);
        ck_assert_msg(memcmp(cn, p->cn_host, p->c_count * element) == 0, "%s: cn of slices of %d steps differs", model->name,
                      steps);
    }
    network_slice_bytes = slice_bytes;
    general_product_bytes = product_bytes;
    network_problem_solve(p, network, file);
    network_problem_compare(p, model->name);
    free(y);
    free(hn);
    free(cn);
    network_problem_destroy(&p);
    oclstm_network_destroy(&network);
    oclstm_tensors_close(&file);
}

START_TEST(slices) {
    static const int lengths[] = {4, 11, 2, 6, 1};
    const known_model *model = &models[_i];
    for (int form = 0; form < 4; form++) {
        const network_case shape = {.steps = 11,
                                    .batch = 5,
                                    .lengths = form & 1 ? lengths : NULL,
                                    .batch_first = form >= 2,
                                    .state = form >= 2 && model->one_state,
                                    .clip = model->clip};
        check_slices(model, &shape, OCLSTM_ENGINE_PORTABLE);
        check_slices(model, &shape, OCLSTM_ENGINE_AUTO);
    }
}
END_TEST

// --- streams ------------------------------------------------------------------------------------------------------------

// Feeds all steps in pieces.
static void feed(oclstm_stream *stream, network_problem *p, const int *pieces, void *y) {
    const size_t element = oclstm_dtype_size_bytes(p->dtype);
    oclstm_error error = {0};
    for (int64_t at = 0; at < p->shape.steps; at += *pieces++) {
        const int64_t count = *pieces;
        const oclstm_const_array x = oclstm_in_3d((const char *)p->x_host + (size_t)(at * p->rows) * p->inputs * element, p->dtype,
                                                  count, p->rows, (int64_t)p->inputs);
        const oclstm_array out =
            oclstm_out_3d((char *)y + (size_t)(at * p->rows) * p->outputs * element, p->dtype, count, p->rows, (int64_t)p->outputs);
        expect_ok(oclstm_stream_feed(stream, &x, &out, &error), &error);
    }
}

START_TEST(streams) {
    static const int pieces[][6] = {{12}, {1, 3, 2, 5, 1}, {5, 7}};
    const known_model *model = &models[_i];
    oclstm_tensors *file = model->open();
    oclstm_network *network = network_fixture_load(file, NULL);
    oclstm_stream *stream = NULL, *other = NULL;
    oclstm_error error = {0};
    if (model->backward) {
        expect_failure(oclstm_stream_create(&stream, network, 3, &error), &error, OCLSTM_UNSUPPORTED, "goes backward",
                       "cannot stream");
        ck_assert_ptr_null(stream);
    } else {
        const network_case shape = {.steps = 12, .batch = 3, .clip = model->clip};
        network_problem *p = network_problem_create(network, &shape), *q = network_problem_create(network, &shape);
        expect_ok(oclstm_stream_create(&stream, network, 3, &error), &error);
        expect_ok(oclstm_stream_create(&other, network, 3, &error), &error);
        network_problem_solve(p, network, file);
        p->shape.without_state = true;
        for (int i = 0; i < 3; i++) {
            const oclstm_network_call call = network_problem_call(q);
            expect_ok(oclstm_network_run(network, &call, &error), &error); // runs and other streams leave it alone
            feed(other, q, pieces[2], q->y_host);
            feed(stream, p, pieces[i], p->y_host);
            network_problem_compare(p, model->name);
            expect_ok(oclstm_stream_reset(stream, &error), &error);
        }
        network_problem_destroy(&p);
        network_problem_destroy(&q);
    }
    oclstm_stream_destroy(&stream);
    oclstm_stream_destroy(&other);
    oclstm_network_destroy(&network);
    oclstm_tensors_close(&file);
}
END_TEST

START_TEST(streams_of_tokens) {
    model_add_linear(&m, "embed.", 6, 9, false);
    MODEL_LSTM(&m, .prefix = "lstm.", .input = 6, .hidden = 5);
    oclstm_tensors *file = model_open(&m);
    oclstm_network *network = network_fixture_load(file, NULL);
    network_problem *p = network_problem_create(network, &(network_case){.steps = 6, .batch = 2, .without_state = true});
    oclstm_stream *stream = NULL;
    oclstm_error error = {0};
    expect_ok(oclstm_stream_create(&stream, network, 2, &error), &error);
    for (int64_t t = 0; t < 6; t++) {
        const oclstm_const_array x = oclstm_in_2d((const int32_t *)p->token_host + 2 * t, OCLSTM_I32, 1, 2);
        const oclstm_array y = oclstm_out_3d((float *)p->y_host + 2 * 5 * t, OCLSTM_F32, 1, 2, 5);
        expect_ok(oclstm_stream_feed(stream, &x, &y, &error), &error);
    }
    network_problem_solve(p, network, file);
    network_problem_compare(p, "a stream of tokens");
    network_problem_destroy(&p);
    oclstm_stream_destroy(&stream);
    oclstm_network_destroy(&network);
    oclstm_tensors_close(&file);
}
END_TEST

// --- the rest -----------------------------------------------------------------------------------------------------------

// NaN in one row, also behind its end, leaves the others as they are, bit for bit.
static void check_nan(const known_model *model, oclstm_engine engine) {
    static const int lengths[] = {5, 3, 6};
    oclstm_tensors *file = model->open();
    oclstm_network *network = network_fixture_load(file, &(oclstm_network_params){.engine = engine});
    const network_case shape = {.steps = 6, .batch = 3, .lengths = lengths, .clip = model->clip};
    network_problem *p = network_problem_create(network, &shape);
    const size_t row = p->outputs;
    run(network, p);
    float *y = p->y_host, *x = p->x_host, *before = fixture_alloc(p->y_count, sizeof *before);
    memcpy(before, y, p->y_count * sizeof *y);
    x[(4 * 3 + 1) * p->inputs] = NAN; // step 4 of row 1, which has 3 steps
    run(network, p);
    ck_assert_msg(memcmp(before, y, p->y_count * sizeof *y) == 0, "%s: NaN behind an end changes results", model->name);
    x[(1 * 3 + 1) * p->inputs] = NAN; // step 1
    run(network, p);
    for (size_t i = 0; i < 6 * 3; i++) {
        const size_t t = i / 3, b = i % 3;
        if (b == 1 && (t == 1 || t == 2))
            ck_assert_msg(isnan(y[i * row]), "%s: step %zu of row 1 is %g", model->name, t, (double)y[i * row]);
        if (b != 1 || t > 2 || (t == 0 && !model->backward))
            ck_assert_msg(memcmp(before + i * row, y + i * row, row * sizeof *y) == 0, "%s: step %zu of row %zu changed",
                          model->name, t, b);
    }
    free(before);
    network_problem_destroy(&p);
    oclstm_network_destroy(&network);
    oclstm_tensors_close(&file);
}

START_TEST(nan_stays_in_its_row) {
    if (models[_i].open == tagger || models[_i].open == general_backward)
        return; // of tokens; of one direction that sees the steps from the other side
    for (const oclstm_engine *engine = fixture_engines(OCLSTM_F32); *engine != OCLSTM_ENGINE_AUTO; engine++)
        check_nan(&models[_i], *engine);
}
END_TEST

// An ONNX node's own initial state, of one row or of as many as the batch has.
START_TEST(own_initial_state) {
    for (int rows = 1; rows < 4; rows += 2) {
        MODEL_LSTM(&m, .prefix = "node.", .input = 5, .hidden = 8, .directions = 2);
        model_tensor(&m, "node.h0", OCLSTM_F32, 3, 2, rows, 8);
        model_tensor(&m, "node.c0", OCLSTM_F32, 3, 2, rows, 8);
        model_add_metadata(&m, "node.initial_state", "1");
        oclstm_tensors *file = model_open(&m);
        oclstm_network *network = network_fixture_load(file, NULL);
        oclstm_error error = {0};
        network_problem *p = network_problem_create(network, &(network_case){.steps = 4, .batch = 3});
        const float *h0 = oclstm_tensors_find(file, "node.h0")->data, *c0 = oclstm_tensors_find(file, "node.c0")->data;
        for (size_t i = 0; i < p->h_count; i++) {
            const size_t unit = i / (3 * 8), b = i / 8 % 3, j = i % 8, at = (unit * (size_t)rows + (rows == 1 ? 0 : b)) * 8 + j;
            p->h0[i] = (double)h0[at];
            p->c0[i] = (double)c0[at];
        }
        run(network, p);
        network_problem_solve(p, network, file);
        network_problem_compare(p, "a node's own state");
        network_problem_destroy(&p);
        // What the call gives goes first, whatever its batch.
        check_network(network, file, &(network_case){.steps = 4, .batch = 2, .state = true}, "a state over a node's own");
        p = network_problem_create(network, &(network_case){.steps = 4, .batch = 2});
        const oclstm_network_call call = network_problem_call(p);
        if (rows > 1)
            expect_failure(oclstm_network_run(network, &call, &error), &error, OCLSTM_INVALID_ARGUMENT, "is for batch 3", "batch 2",
                           "h0 and c0");
        else
            expect_ok(oclstm_network_run(network, &call, &error), &error);
        network_problem_destroy(&p);
        oclstm_network_destroy(&network);
        oclstm_tensors_close(&file);
    }
}
END_TEST

// A small batch after a large one and back; a long call after a short one.
START_TEST(other_shapes) {
    static const int64_t shapes[][2] = {{3, 8}, {9, 2}, {1, 1}, {20, 8}, {2, 17}, {9, 2}};
    const known_model *model = &models[_i];
    oclstm_tensors *file = model->open();
    oclstm_network *network = network_fixture_load(file, NULL);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        check_network(network, file, &(network_case){.steps = shapes[i][0], .batch = shapes[i][1], .clip = model->clip},
                      model->name);
    oclstm_network_destroy(&network);
    oclstm_tensors_close(&file);
}
END_TEST

// Float64 where all weights are; the option goes first.
START_TEST(dtype_of_the_file) {
    const oclstm_network_params narrow = {.dtype_given = true, .dtype = OCLSTM_F32};
    for (int i = 0; i < 3; i++) {
        MODEL_LSTM(&m, .prefix = "a.", .input = 5, .hidden = 8, .dtype = OCLSTM_F64);
        MODEL_LSTM(&m, .prefix = "b.", .input = 8, .hidden = 8, .dtype = i == 1 ? OCLSTM_F32 : OCLSTM_F64);
        model_add_metadata(&m, "oclstm.layers", "a,b");
        oclstm_tensors *file = model_open(&m);
        if (i == 0 && !fixture_has_fp64()) {
            oclstm_tensors_close(&file);
            continue;
        }
        oclstm_network *network = network_fixture_load(file, i == 2 ? &narrow : NULL);
        ck_assert_int_eq(oclstm_network_dtype(network), i == 0 ? OCLSTM_F64 : OCLSTM_F32);
        check_network(network, file, &(network_case){.steps = 5, .batch = 2}, "its own dtype");
        oclstm_network_destroy(&network);
        oclstm_tensors_close(&file);
    }
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("network_run");
    TCase *tests = file_case(suite, "networks");
    const TTest *const each[] = {every_form, float64, engines, slices, streams, nan_stays_in_its_row, other_shapes};
    tcase_add_unchecked_fixture(tests, NULL, fixture_close);
    tcase_set_timeout(tests, 0);
    for (size_t i = 0; i < sizeof each / sizeof each[0]; i++)
        tcase_add_loop_test(tests, each[i], 0, MODELS);
    tcase_add_test(tests, streams_of_tokens);
    tcase_add_test(tests, own_initial_state);
    tcase_add_test(tests, dtype_of_the_file);
    return suite;
}

int main(void) { return run_suite(make_suite(), true); }

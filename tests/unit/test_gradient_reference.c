// SPDX-License-Identifier: Apache-2.0
// The reference of the gradients against central differences of its own forward pass: what holds every engine to the truth is held to it first.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gradient_network.h"
#include "runner.h"

enum { STEPS = 4, BATCH = 3, HIDDEN = 3, WIDEST = 3 };
enum { ROWS = STEPS * BATCH };

// Everything of a unit. inputs: what the loss is a function of.
typedef struct unit_case {
    double weight_hh[4 * HIDDEN * WIDEST], weight_hr[WIDEST * HIDDEN], sums[ROWS * 4 * HIDDEN], h0[BATCH * WIDEST],
        c0[BATCH * HIDDEN];
    double gy[ROWS * WIDEST], gh[BATCH * WIDEST], gc[BATCH * HIDDEN]; // weights of the results in the loss
    double gates[ROWS * 4 * HIDDEN], h[(ROWS + BATCH) * WIDEST], c[(ROWS + BATCH) * HIDDEN], raw[ROWS * HIDDEN];
    double dh[BATCH * WIDEST], dc[BATCH * HIDDEN], dprojected[ROWS * WIDEST];
    reference_recurrence unit;
} unit_case;

static double next_random(void) {
    static uint64_t state = 7;
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (double)(state >> 11) * 0x1p-52 - 1.0;
}

static void fill(double *values, size_t count) {
    for (size_t i = 0; i < count; i++)
        values[i] = next_random();
}

// sum(y gy) + sum(h gh) + sum(c gc), y of the rows that do not stand.
static double loss_of(unit_case *u) {
    const size_t width = reference_width(&u->unit);
    memcpy(u->gates, u->sums, sizeof u->gates);
    memcpy(u->h, u->h0, BATCH * width * sizeof *u->h);
    memcpy(u->c, u->c0, sizeof u->c0);
    ck_assert(reference_forward(&u->unit));
    double loss = 0;
    for (size_t i = 0; i < ROWS * width; i++) {
        const size_t row = i / width;
        loss += reference_stands(&u->unit, row / BATCH, row % BATCH) ? 0 : u->h[BATCH * width + i] * u->gy[i];
    }
    for (size_t i = 0; i < BATCH * width; i++)
        loss += u->h[ROWS * width + i] * u->gh[i];
    for (size_t i = 0; i < (size_t)BATCH * HIDDEN; i++)
        loss += u->c[(size_t)ROWS * HIDDEN + i] * u->gc[i];
    return loss;
}

// The derivative of the loss by each of `count` inputs is the gradient.
static void expect_gradient(unit_case *u, double *inputs, const double *gradient, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        const double value = inputs[i], step = 1e-5;
        inputs[i] = value + step;
        const double above = loss_of(u);
        inputs[i] = value - step;
        const double below = loss_of(u), slope = (above - below) / (2 * step);
        inputs[i] = value;
        ck_assert_msg(fabs(slope - gradient[i]) <= 1e-8 * (1 + fabs(slope)), "%s[%zu]: %.12g, slope %.12g; proj %zu%s", name, i,
                      gradient[i], slope, u->unit.proj, u->unit.lengths ? ", lengths" : "");
    }
}

static void check_unit(size_t proj, const int *lengths) {
    static unit_case u;
    u.unit = (reference_recurrence){.steps = STEPS,
                                    .batch = BATCH,
                                    .hidden = HIDDEN,
                                    .proj = proj,
                                    .lengths = lengths,
                                    .weight_hh = u.weight_hh,
                                    .weight_hr = u.weight_hr,
                                    .gates = u.gates,
                                    .h = u.h,
                                    .c = u.c,
                                    .raw = u.raw,
                                    .dy = u.gy,
                                    .dh = u.dh,
                                    .dc = u.dc,
                                    .dprojected = u.dprojected};
    double *const random[] = {u.weight_hh, u.weight_hr, u.sums, u.h0, u.c0, u.gy, u.gh, u.gc};
    const size_t counts[] = {sizeof u.weight_hh, sizeof u.weight_hr, sizeof u.sums, sizeof u.h0,
                             sizeof u.c0,        sizeof u.gy,        sizeof u.gh,   sizeof u.gc};
    const size_t width = reference_width(&u.unit);
    static double da[ROWS * 4 * HIDDEN], hh[4 * HIDDEN * WIDEST], hr[WIDEST * HIDDEN], dh[BATCH * WIDEST], dc[BATCH * HIDDEN];
    for (size_t i = 0; i < 8; i++)
        fill(random[i], counts[i] / sizeof(double));
    loss_of(&u);
    memcpy(u.dh, u.gh, sizeof u.gh);
    memcpy(u.dc, u.gc, sizeof u.gc);
    ck_assert(reference_backward(&u.unit));
    memcpy(da, u.gates, sizeof da);
    memcpy(dh, u.dh, sizeof dh);
    memcpy(dc, u.dc, sizeof dc);
    const reference_product for_hh = {
        TRAIN_TN, (size_t)4 * HIDDEN, width, ROWS, (size_t)4 * HIDDEN, width, width, da, u.h, hh, NULL, false};
    const reference_product for_hr = {TRAIN_TN, proj, HIDDEN, ROWS, proj, HIDDEN, HIDDEN, u.dprojected, u.raw, hr, NULL, false};
    reference_multiply(&for_hh);
    reference_multiply(&for_hr);
    expect_gradient(&u, u.sums, da, (size_t)ROWS * 4 * HIDDEN, "sums");
    expect_gradient(&u, u.h0, dh, BATCH * width, "h0");
    expect_gradient(&u, u.c0, dc, (size_t)BATCH * HIDDEN, "c0");
    expect_gradient(&u, u.weight_hh, hh, 4 * HIDDEN * width, "weight_hh");
    expect_gradient(&u, u.weight_hr, hr, proj * HIDDEN, "weight_hr");
}

START_TEST(test_recurrence_has_the_slopes_of_its_loss) {
    static const int lengths[BATCH] = {2, 4, 1};
    check_unit(0, NULL);
    check_unit(0, lengths);
    check_unit(2, NULL);
    check_unit(2, lengths);
}
END_TEST

START_TEST(test_product_forms_agree) {
    // A [2][3], B [3][2], and both the other way round.
    static const double a[] = {1, 2, 3, 4, 5, 6}, at[] = {1, 4, 2, 5, 3, 6}, b[] = {1, 0, -1, 2, 3, 1}, bt[] = {1, -1, 3, 0, 2, 1};
    static const double init[] = {100, 200}, expected[] = {8, 7, 17, 16};
    for (int form = TRAIN_NT; form <= TRAIN_TN; form++) {
        double c[4] = {1, 2, 3, 4};
        reference_product p = {.form = (train_form)form,
                               .m = 2,
                               .n = 2,
                               .k = 3,
                               .lda = form == TRAIN_TN ? 2 : 3,
                               .ldb = form == TRAIN_NT ? 3 : 2,
                               .ldc = 2,
                               .a = form == TRAIN_TN ? at : a,
                               .b = form == TRAIN_NT ? bt : b,
                               .c = c,
                               .init = init};
        reference_multiply(&p);
        for (int i = 0; i < 4; i++)
            ck_assert_double_eq(c[i], expected[i] + init[i % 2]);
        p.accumulate = true;
        reference_multiply(&p);
        for (int i = 0; i < 4; i++)
            ck_assert_double_eq(c[i], 2 * expected[i] + init[i % 2]);
        p.accumulate = false;
        p.init = NULL;
        reference_multiply(&p);
        for (int i = 0; i < 4; i++)
            ck_assert_double_eq(c[i], expected[i]);
    }
}
END_TEST

// --- whole networks -----------------------------------------------------------------------------------------------------

enum { VOCABULARY = 5, MOST_PARAMETERS = 40, MOST = 512, NET_STEPS = 4, NET_BATCH = 2 };

typedef struct network_test {
    char names[MOST_PARAMETERS][64];
    double values[MOST_PARAMETERS][MOST], gradients[MOST_PARAMETERS][MOST];
    reference_parameter parameters[MOST_PARAMETERS];
    double x[MOST], h0[MOST], c0[MOST], y[MOST], hn[MOST], cn[MOST], dy[MOST], dhn[MOST], dcn[MOST], dx[MOST], dh0[MOST], dc0[MOST];
    size_t y_count, h_count, c_count;
    reference_network network;
} network_test;

static void add_parameter(network_test *test, const oclstm_layer *layer, const char *name, int at, int direction, int64_t count) {
    const size_t place = test->network.parameter_count++;
    ck_assert(place < MOST_PARAMETERS && count <= MOST);
    if (at < 0)
        snprintf(test->names[place], sizeof test->names[place], "%.20s.%s", layer->name, name);
    else
        snprintf(test->names[place], sizeof test->names[place], "%.20s.%s_l%d%s", layer->name, name, at,
                 direction == 1 ? "_reverse" : "");
    fill(test->values[place], (size_t)count);
    test->parameters[place] = (reference_parameter){test->names[place], (size_t)count, test->values[place], test->gradients[place]};
}

static void add_layer(network_test *test, const oclstm_layer *layer) {
    const int64_t gates = 4 * layer->hidden_size, width = layer->proj_size ? layer->proj_size : layer->hidden_size;
    const bool is_cell = layer->kind == OCLSTM_LAYER_LSTM_CELL;
    if (layer->kind == OCLSTM_LAYER_EMBEDDING || layer->kind == OCLSTM_LAYER_LINEAR)
        add_parameter(test, layer, "weight", -1, 0, layer->inputs * layer->outputs);
    if (layer->kind == OCLSTM_LAYER_LINEAR && layer->bias)
        add_parameter(test, layer, "bias", -1, 0, layer->outputs);
    for (int at = 0; at < layer->num_layers; at++) {
        for (int direction = 0; direction < (is_cell ? 1 : layer->directions); direction++) {
            const int number = is_cell ? -1 : at;
            add_parameter(test, layer, "weight_ih", number, direction, gates * (at > 0 ? layer->outputs : layer->inputs));
            add_parameter(test, layer, "weight_hh", number, direction, gates * width);
            if (layer->bias) {
                add_parameter(test, layer, "bias_ih", number, direction, gates);
                add_parameter(test, layer, "bias_hh", number, direction, gates);
            }
            if (layer->proj_size)
                add_parameter(test, layer, "weight_hr", number, direction, width * layer->hidden_size);
            test->h_count += (size_t)(width * NET_BATCH);
            test->c_count += (size_t)(layer->hidden_size * NET_BATCH);
        }
    }
}

static double network_loss(network_test *test) {
    const reference_network *n = &test->network;
    reference_network forward = *n;
    forward.dy = forward.dhn = forward.dcn = NULL;
    reference_network_run(&forward);
    double loss = 0;
    for (size_t i = 0; i < test->y_count; i++) {
        const size_t row = i / (test->y_count / (NET_STEPS * NET_BATCH));
        loss += n->lengths && row / NET_BATCH >= (size_t)n->lengths[row % NET_BATCH] ? 0 : test->y[i] * test->dy[i];
    }
    for (size_t i = 0; i < test->h_count; i++)
        loss += test->hn[i] * test->dhn[i];
    for (size_t i = 0; i < test->c_count; i++)
        loss += test->cn[i] * test->dcn[i];
    return loss;
}

static void expect_slopes(network_test *test, double *inputs, const double *gradients, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        const double value = inputs[i], step = 1e-5;
        inputs[i] = value + step;
        const double above = network_loss(test);
        inputs[i] = value - step;
        const double slope = (above - network_loss(test)) / (2 * step);
        inputs[i] = value;
        ck_assert_msg(fabs(slope - gradients[i]) <= 1e-8 * (1 + fabs(slope)), "%s[%zu]: %.12g, slope %.12g", name, i, gradients[i],
                      slope);
    }
}

static void check_network_slopes(const oclstm_layer *layers, size_t count, const int *lengths) {
    static network_test test;
    static const int tokens[NET_STEPS * NET_BATCH] = {1, 4, 0, 1, 1, 2, 4, 4};
    memset(&test, 0, sizeof test);
    test.network = (reference_network){.layers = layers,
                                       .layer_count = count,
                                       .parameters = test.parameters,
                                       .steps = NET_STEPS,
                                       .batch = NET_BATCH,
                                       .lengths = lengths,
                                       .tokens = tokens,
                                       .x = test.x,
                                       .h0 = test.h0,
                                       .c0 = test.c0,
                                       .y = test.y,
                                       .hn = test.hn,
                                       .cn = test.cn,
                                       .dy = test.dy,
                                       .dhn = test.dhn,
                                       .dcn = test.dcn,
                                       .dx = test.dx,
                                       .dh0 = test.dh0,
                                       .dc0 = test.dc0};
    for (size_t i = 0; i < count; i++)
        add_layer(&test, &layers[i]);
    test.y_count = (size_t)NET_STEPS * NET_BATCH * (size_t)layers[count - 1].outputs;
    double *const random[] = {test.x, test.h0, test.c0, test.dy, test.dhn, test.dcn};
    for (size_t i = 0; i < 6; i++)
        fill(random[i], MOST);
    reference_network_run(&test.network);
    const bool tokens_in = layers[0].kind == OCLSTM_LAYER_EMBEDDING;
    expect_slopes(&test, test.x, test.dx, tokens_in ? 0 : (size_t)NET_STEPS * NET_BATCH * (size_t)layers[0].inputs, "x");
    expect_slopes(&test, test.h0, test.dh0, test.h_count, "h0");
    expect_slopes(&test, test.c0, test.dc0, test.c_count, "c0");
    for (size_t i = 0; i < test.network.parameter_count; i++)
        expect_slopes(&test, test.values[i], test.gradients[i], test.parameters[i].count, test.names[i]);
}

START_TEST(test_networks_have_the_slopes_of_their_loss) {
    static const int lengths[NET_BATCH] = {2, 4};
    static const oclstm_layer one[] = {{.kind = OCLSTM_LAYER_EMBEDDING, .name = "embed", .inputs = VOCABULARY, .outputs = 3},
                                       {.kind = OCLSTM_LAYER_LSTM,
                                        .name = "lstm",
                                        .inputs = 3,
                                        .outputs = 4,
                                        .hidden_size = 3,
                                        .proj_size = 2,
                                        .num_layers = 2,
                                        .directions = 2,
                                        .bias = true},
                                       {.kind = OCLSTM_LAYER_LINEAR, .name = "head", .inputs = 4, .outputs = 3, .bias = true}};
    static const oclstm_layer other[] = {
        {.kind = OCLSTM_LAYER_LINEAR, .name = "in", .inputs = 2, .outputs = 3},
        {.kind = OCLSTM_LAYER_RELU, .name = "relu", .inputs = 3, .outputs = 3},
        {.kind = OCLSTM_LAYER_LSTM_CELL,
         .name = "cell",
         .inputs = 3,
         .outputs = 3,
         .hidden_size = 3,
         .num_layers = 1,
         .directions = 1,
         .bias = true},
        {.kind = OCLSTM_LAYER_LSTM, .name = "lstm", .inputs = 3, .outputs = 4, .hidden_size = 4, .num_layers = 1, .directions = 1},
        {.kind = OCLSTM_LAYER_SIGMOID, .name = "sigmoid", .inputs = 4, .outputs = 4}};
    check_network_slopes(one, 3, NULL);
    check_network_slopes(one, 3, lengths);
    check_network_slopes(other, 5, NULL);
    check_network_slopes(other, 5, lengths);
}
END_TEST

START_TEST(test_losses_have_the_slopes_of_themselves) {
    static const int lengths[] = {2, 3}, classes[] = {0, 3, -1, 1, 2, 2};
    for (int kind = OCLSTM_LOSS_MSE; kind <= OCLSTM_LOSS_BCE; kind++) {
        const bool has_classes = kind == OCLSTM_LOSS_CROSS_ENTROPY;
        double z[24], target[24], dz[24];
        fill(z, 24);
        fill(target, 24);
        const double *const t = has_classes ? NULL : target;
        const int *const c = has_classes ? classes : NULL;
        reference_loss((oclstm_loss)kind, z, t, c, lengths, 3, 2, 4, dz);
        for (size_t i = 0; i < 24; i++) {
            const double value = z[i];
            z[i] = value + 1e-5;
            const double above = reference_loss((oclstm_loss)kind, z, t, c, lengths, 3, 2, 4, NULL);
            z[i] = value - 1e-5;
            const double slope = (above - reference_loss((oclstm_loss)kind, z, t, c, lengths, 3, 2, 4, NULL)) / 2e-5;
            z[i] = value;
            ck_assert_msg(fabs(slope - dz[i]) <= 1e-9, "loss %d, z[%zu]: %.12g, slope %.12g", kind, i, dz[i], slope);
        }
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("gradient_reference");
    TCase *tests = tcase_create("gradient_reference");
    tcase_add_test(tests, test_recurrence_has_the_slopes_of_its_loss);
    tcase_add_test(tests, test_product_forms_agree);
    tcase_add_test(tests, test_networks_have_the_slopes_of_their_loss);
    tcase_add_test(tests, test_losses_have_the_slopes_of_themselves);
    suite_add_tcase(suite, tests);
    return run_suite(suite, false);
}

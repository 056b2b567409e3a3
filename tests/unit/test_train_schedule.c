// SPDX-License-Identifier: Apache-2.0
// Learning rates against torch's schedulers; names, defaults, settings that are refused. No device.
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "runner.h"
#include "train/optimizer.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

// torch 2: lr of steps 1, 2, ... with SGD(lr=0.25) and StepLR(o, 3, gamma=0.5); CosineAnnealingLR(o, 8, eta_min=0.01);
// SequentialLR(o, [LinearLR(o, 1/4, 1.0, 3), CosineAnnealingLR(o, 6, eta_min=0.01)], [4])
static const struct torch_rates {
    oclstm_optimizer_params params;
    size_t count;
    double rates[11];
} torch_rates[] = {
    {{.lr = 0.25, .schedule = OCLSTM_SCHEDULE_STEP, .schedule_steps = 3, .gamma = 0.5},
     10,
     {0.25, 0.25, 0.25, 0.125, 0.125, 0.125, 0.0625, 0.0625, 0.0625, 0.03125}},
    {{.lr = 0.25, .schedule = OCLSTM_SCHEDULE_COSINE, .schedule_steps = 8, .min_lr = 0.01},
     9,
     {0.25, 0.2408655439013544, 0.21485281374238568, 0.17592201188381079, 0.13, 0.084077988116189231, 0.045147186257614311,
      0.019134456098645593, 0.01}},
    {{.lr = 0.25, .schedule = OCLSTM_SCHEDULE_COSINE, .schedule_steps = 6, .min_lr = 0.01, .warmup_steps = 4},
     11,
     {0.0625, 0.125, 0.1875, 0.25, 0.25, 0.23392304845413267, 0.19000000000000003, 0.13, 0.070000000000000034, 0.026076951545867359,
      0.01}},
};

START_TEST(as_torch) {
    const struct torch_rates *want = &torch_rates[_i];
    for (size_t i = 0; i < want->count; i++) {
        const double rate = oclstm_optimizer_rate(&want->params, (int64_t)i + 1);
        ck_assert_msg(fabs(rate - want->rates[i]) <= 1e-15, "schedule %d, step %zu: %.17g, torch's %.17g", _i, i + 1, rate,
                      want->rates[i]);
    }
}
END_TEST

START_TEST(edges) {
    oclstm_optimizer_params params = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM);
    ck_assert(oclstm_optimizer_rate(NULL, 1) == 0);
    ck_assert(oclstm_optimizer_rate(&params, 1) == params.lr && oclstm_optimizer_rate(&params, INT64_MAX) == params.lr);
    params.warmup_steps = 10;
    ck_assert(oclstm_optimizer_rate(&params, 5) == params.lr / 2 && oclstm_optimizer_rate(&params, 10) == params.lr);
    ck_assert(oclstm_optimizer_rate(&params, 0) == oclstm_optimizer_rate(&params, 1));
    ck_assert(oclstm_optimizer_rate(&params, 11) == params.lr);
    params.schedule = OCLSTM_SCHEDULE_COSINE;
    params.schedule_steps = 20;
    params.min_lr = 1e-5;
    // torch's goes up again; this one stays.
    ck_assert(oclstm_optimizer_rate(&params, 31) == 1e-5 && oclstm_optimizer_rate(&params, 1000) == 1e-5);
    params.schedule = OCLSTM_SCHEDULE_STEP;
    params.gamma = 0.5;
    params.schedule_steps = 1;
    ck_assert(oclstm_optimizer_rate(&params, INT64_MAX) == 0);
    params.schedule_steps = 0;
    params.warmup_steps = -3;
    ck_assert(oclstm_optimizer_rate(&params, 1) == params.lr);
}
END_TEST

START_TEST(names) {
    ck_assert_str_eq(oclstm_optimizer_name(OCLSTM_OPTIMIZER_SGD), "sgd");
    ck_assert_str_eq(oclstm_optimizer_name(OCLSTM_OPTIMIZER_ADAM), "adam");
    ck_assert_str_eq(oclstm_optimizer_name(OCLSTM_OPTIMIZER_ADAMW), "adamw");
    ck_assert_str_eq(oclstm_optimizer_name((oclstm_optimizer)3), "unknown");
    ck_assert_str_eq(oclstm_optimizer_name((oclstm_optimizer)-1), "unknown");
    ck_assert_str_eq(oclstm_schedule_name(OCLSTM_SCHEDULE_CONSTANT), "constant");
    ck_assert_str_eq(oclstm_schedule_name(OCLSTM_SCHEDULE_STEP), "step");
    ck_assert_str_eq(oclstm_schedule_name(OCLSTM_SCHEDULE_COSINE), "cosine");
    ck_assert_str_eq(oclstm_schedule_name((oclstm_schedule)3), "unknown");
}
END_TEST

START_TEST(defaults) {
    const oclstm_optimizer_params sgd = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_SGD),
                                  adam = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM),
                                  adamw = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAMW);
    ck_assert(sgd.kind == OCLSTM_OPTIMIZER_SGD && sgd.lr == 1e-3 && sgd.momentum == 0 && sgd.weight_decay == 0);
    ck_assert(adam.lr == 1e-3 && adam.beta1 == 0.9 && adam.beta2 == 0.999 && adam.eps == 1e-8 && adam.weight_decay == 0);
    ck_assert(adamw.kind == OCLSTM_OPTIMIZER_ADAMW && adamw.weight_decay == 0.01 && adamw.beta2 == 0.999);
    for (int kind = 0; kind < 3; kind++) {
        const oclstm_optimizer_params params = oclstm_optimizer_defaults((oclstm_optimizer)kind);
        ck_assert(params.clip_norm == 0 && params.schedule == OCLSTM_SCHEDULE_CONSTANT && params.warmup_steps == 0);
        ck_assert(train_optimizer_check(&params, NULL) == OCLSTM_OK);
    }
}
END_TEST

// A setting that is refused, and what the message names.
typedef struct refused {
    const char *named;
    size_t offset;
    double value;
} refused;

START_TEST(numbers) {
#define PLACE(member) offsetof(oclstm_optimizer_params, member)
    static const refused cases[] = {
        {"learning rate", PLACE(lr), -1},
        {"learning rate", PLACE(lr), NAN},
        {"learning rate", PLACE(lr), INFINITY},
        {"momentum", PLACE(momentum), -0.1},
        {"dampening", PLACE(dampening), NAN},
        {"beta1", PLACE(beta1), 1},
        {"beta1", PLACE(beta1), -0.1},
        {"beta2", PLACE(beta2), 1.5},
        {"beta2", PLACE(beta2), NAN},
        {"eps", PLACE(eps), -1e-8},
        {"weight decay", PLACE(weight_decay), -1},
        {"clip", PLACE(clip_norm), -1},
        {"clip", PLACE(clip_norm), INFINITY},
        {"gamma", PLACE(gamma), -0.5},
        {"least", PLACE(min_lr), NAN},
        {"weight decay", PLACE(weight_decay), INFINITY},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        oclstm_optimizer_params params = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM);
        oclstm_error error = {0};
        memcpy((char *)&params + cases[i].offset, &cases[i].value, sizeof cases[i].value);
        ck_assert_msg(train_optimizer_check(&params, &error) == OCLSTM_INVALID_ARGUMENT, "case %zu is let through", i);
        ck_assert_msg(strstr(error.message, cases[i].named) != NULL && strstr(error.message, "found") != NULL, "%s", error.message);
    }
}
END_TEST

static void expect_refused(oclstm_optimizer_params params, const char *named) {
    oclstm_error error = {0};
    ck_assert_msg(train_optimizer_check(&params, &error) == OCLSTM_INVALID_ARGUMENT, "not refused: %s", named);
    ck_assert_msg(strstr(error.message, named) != NULL, "%s", error.message);
}

START_TEST(combinations) {
    const oclstm_optimizer_params sgd = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_SGD);
    oclstm_optimizer_params params = sgd;
    params.kind = (oclstm_optimizer)7;
    expect_refused(params, "no optimizer 7");
    params = sgd;
    params.schedule = (oclstm_schedule)-2;
    expect_refused(params, "no schedule -2");
    params = sgd;
    params.nesterov = true;
    expect_refused(params, "Nesterov");
    params.momentum = 0.9;
    ck_assert(train_optimizer_check(&params, NULL) == OCLSTM_OK);
    params.dampening = 0.1;
    expect_refused(params, "dampening 0.1");
    params = sgd;
    params.schedule = OCLSTM_SCHEDULE_COSINE;
    expect_refused(params, "cosine");
    params.schedule_steps = 1;
    ck_assert(train_optimizer_check(&params, NULL) == OCLSTM_OK);
    params.warmup_steps = -1;
    expect_refused(params, "warm-up");
    params = sgd;
    params.lr = 0;
    ck_assert(train_optimizer_check(&params, NULL) == OCLSTM_OK);
}
END_TEST

static Suite *make_suite(void) {
    Suite *suite = suite_create("train_schedule");
    TCase *tests = tcase_create("schedule");
    tcase_add_loop_test(tests, as_torch, 0, (int)COUNT(torch_rates));
    tcase_add_test(tests, edges);
    tcase_add_test(tests, names);
    tcase_add_test(tests, defaults);
    tcase_add_test(tests, numbers);
    tcase_add_test(tests, combinations);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) { return run_suite(make_suite(), false); }

// SPDX-License-Identifier: Apache-2.0
// Trainers and tapes in several threads on one device: each gets, bit by bit, what it gets alone. The threads fail by words: Check's assertions are for the
// main thread.
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oclstm/oclstm.h>

#include "runner.h"

enum { THREADS = 3, ROUNDS = 3, STEPS = 4, BATCH = 5, INPUT = 6, HIDDEN = 16, OUTPUTS = 3, WEIGHTS = 4 * HIDDEN * INPUT };

static const oclstm_engine engines[THREADS] = {OCLSTM_ENGINE_FUSED, OCLSTM_ENGINE_PORTABLE, OCLSTM_ENGINE_CLBLAST};

typedef struct worker {
    pthread_t thread;
    int number;
    oclstm_error error;
    float trained[WEIGHTS], gradient[WEIGHTS]; // the first weight after some steps, and its gradient by a tape
} worker;

static oclstm_device *device;
static float x[STEPS * BATCH * INPUT], targets[STEPS * BATCH * OUTPUTS];
static atomic_int waiting; // threads that the others wait for

static oclstm_status train(worker *self, oclstm_trainer *trainer) {
    const oclstm_train_batch batch = {.x = {x, OCLSTM_F32, 3, {STEPS, BATCH, INPUT}},
                                      .target = {targets, OCLSTM_F32, 3, {STEPS, BATCH, OUTPUTS}}};
    const oclstm_array weight = {self->trained, OCLSTM_F32, 2, {4 * HIDDEN, INPUT}};
    oclstm_status status = OCLSTM_OK;
    for (int step = 0; step < 3 && status == OCLSTM_OK; step++)
        status = oclstm_trainer_step(trainer, &batch, NULL, &self->error);
    return status == OCLSTM_OK ? oclstm_trainer_read(trainer, 0, &weight, &self->error) : status;
}

static oclstm_status go_back(worker *self, oclstm_tape *tape) {
    const oclstm_sequence sequence = {.x = {x, OCLSTM_F32, 3, {STEPS, BATCH, INPUT}}};
    const oclstm_cell_gradients gradients = {.h = {x, OCLSTM_F32, 2, {BATCH, HIDDEN}},
                                             .weight_ih = {self->gradient, OCLSTM_F32, 2, {4 * HIDDEN, INPUT}}};
    const oclstm_status status = oclstm_tape_forward(tape, &sequence, &self->error);
    return status == OCLSTM_OK ? oclstm_tape_backward(tape, &gradients, &self->error) : status;
}

// Everything made, used and unmade.
static oclstm_status work(worker *self) {
    const oclstm_engine engine = engines[self->number % THREADS];
    const oclstm_trainer_params params = {.description = "lstm 6 16 layers 2, linear 3",
                                          .engine = engine,
                                          .seed = 5,
                                          .dropout = 0.2,
                                          .optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM)};
    const oclstm_tape_params tape_params = {.engine = engine};
    oclstm_trainer *trainer = NULL;
    oclstm_cell *cell = NULL;
    oclstm_tape *tape = NULL;
    oclstm_status status = oclstm_trainer_create(&trainer, device, NULL, &params, &self->error);
    if (status == OCLSTM_OK)
        status = train(self, trainer);
    if (status == OCLSTM_OK)
        status =
            oclstm_cell_create(&cell, device, OCLSTM_CELL(.input_size = INPUT, .hidden_size = HIDDEN, .seed = 2), &self->error);
    if (status == OCLSTM_OK)
        status = oclstm_tape_create(&tape, cell, &tape_params, &self->error);
    if (status == OCLSTM_OK)
        status = go_back(self, tape);
    oclstm_tape_destroy(&tape);
    oclstm_cell_destroy(&cell);
    oclstm_trainer_destroy(&trainer);
    return status;
}

static void *run_worker(void *context) {
    worker *self = context;
    atomic_fetch_sub(&waiting, 1);
    while (atomic_load(&waiting) > 0)
        ;
    work(self);
    return NULL;
}

START_TEST(each_thread_gets_what_it_gets_alone) {
    static worker alone[THREADS], together[THREADS];
    oclstm_error error = {0};
    ck_assert_msg(oclstm_device_open(&device, test_device(), &error) == OCLSTM_OK, "%s", error.message);
    for (int i = 0; i < STEPS * BATCH * INPUT; i++)
        x[i] = (float)(i * 7 % 23) / 11 - 1;
    for (int i = 0; i < STEPS * BATCH * OUTPUTS; i++)
        targets[i] = (float)(i * 5 % 19) / 9 - 1;
    bool can_run[THREADS];
    for (int i = 0; i < THREADS; i++) {
        alone[i].number = i;
        const oclstm_status status = work(&alone[i]);
        can_run[i] = status != OCLSTM_UNSUPPORTED; // an engine that this device lacks
        ck_assert_msg(status == OCLSTM_OK || !can_run[i], "%s", alone[i].error.message);
    }
    for (int round = 0; round < ROUNDS; round++) {
        memset(together, 0, sizeof together);
        atomic_store(&waiting, THREADS);
        for (int i = 0; i < THREADS; i++) {
            together[i].number = can_run[(i + round) % THREADS] ? (i + round) % THREADS : 1;
            if (pthread_create(&together[i].thread, NULL, run_worker, &together[i]) != 0)
                abort(); // the others would wait for ever
        }
        for (int i = 0; i < THREADS; i++)
            pthread_join(together[i].thread, NULL);
        for (int i = 0; i < THREADS; i++) {
            const worker *one = &together[i], *other = &alone[one->number];
            const char *engine = oclstm_engine_name(engines[one->number]);
            ck_assert_msg(one->error.message[0] == '\0', "engine %s: %s", engine, one->error.message);
            ck_assert_msg(memcmp(one->trained, other->trained, sizeof one->trained) == 0, "engine %s: other weights", engine);
            ck_assert_msg(memcmp(one->gradient, other->gradient, sizeof one->gradient) == 0, "engine %s: another gradient", engine);
        }
    }
    oclstm_device_close(&device);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("train_threads");
    TCase *tests = tcase_create("train_threads");
    tcase_set_timeout(tests, 0);
    tcase_add_test(tests, each_thread_gets_what_it_gets_alone);
    suite_add_tcase(suite, tests);
    return run_suite(suite, true);
}

// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <oclstm/oclstm.h>
#include <stdio.h>

enum { STEPS = 50, BATCH = 16 };

int main(void) {
    static float x[STEPS][BATCH][1], target[STEPS][BATCH][1]; // waves, and the next value of each
    for (int t = 0; t < STEPS; t++) {
        for (int b = 0; b < BATCH; b++) {
            x[t][b][0] = sinf(0.2f * (float)t + (float)b);
            target[t][b][0] = sinf(0.2f * (float)(t + 1) + (float)b);
        }
    }
    oclstm_trainer_params params = {.description = "lstm 1 32, linear 1", .loss = OCLSTM_LOSS_MSE};
    params.optimizer = oclstm_optimizer_defaults(OCLSTM_OPTIMIZER_ADAM);
    params.optimizer.lr = 0.01;
    params.optimizer.clip_norm = 1.0;
    const oclstm_train_batch batch = {.x = oclstm_in_3d(x, OCLSTM_F32, STEPS, BATCH, 1),
                                      .target = oclstm_in_3d(target, OCLSTM_F32, STEPS, BATCH, 1)};
    oclstm_train_result result = {0};
    oclstm_error error = {0};
    oclstm_device *device = NULL;
    oclstm_trainer *trainer = NULL;
    if (!oclstm_device_open(&device, "auto", &error))
        oclstm_trainer_create(&trainer, device, NULL, &params, &error); // or from a model file in place of NULL
    while (!error.status && result.step < 200 && !oclstm_trainer_step(trainer, &batch, &result, &error)) {
        if (result.step % 50 == 0)
            printf("step %lld: loss %.5f, gradients' norm %.3f\n", (long long)result.step, result.loss, result.gradient_norm);
    }
    if (!error.status && !oclstm_trainer_write(trainer, "trained.safetensors", NULL, 0, &error))
        printf("trained.safetensors: model.load_state_dict(load_file(\"trained.safetensors\"))\n");
    if (error.status)
        fprintf(stderr, "%s: %s\n", oclstm_status_name(error.status), error.message);
    oclstm_trainer_destroy(&trainer);
    oclstm_device_close(&device);
    return (int)error.status;
}

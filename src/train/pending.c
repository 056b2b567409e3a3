// SPDX-License-Identifier: Apache-2.0
// Bodies that are still to come.
#include <oclstm/train.h>

#include "base/error.h"

oclstm_status oclstm_trainer_create(oclstm_trainer **out, oclstm_device *device, const oclstm_tensors *file,
                                    const oclstm_trainer_params *params, oclstm_error *error) {
    (void)out;
    (void)device;
    (void)file;
    (void)params;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
void oclstm_trainer_destroy(oclstm_trainer **trainer) { (void)trainer; }
const oclstm_layer *oclstm_trainer_layers(const oclstm_trainer *trainer, size_t *count) {
    (void)trainer;
    (void)count;
    return NULL;
}
oclstm_dtype oclstm_trainer_dtype(const oclstm_trainer *trainer) {
    (void)trainer;
    return 0;
}
oclstm_engine oclstm_trainer_engine(const oclstm_trainer *trainer) {
    (void)trainer;
    return 0;
}
uint64_t oclstm_trainer_bytes(const oclstm_trainer *trainer, int64_t batch, int64_t steps) {
    (void)trainer;
    (void)batch;
    (void)steps;
    return 0;
}
oclstm_status oclstm_trainer_step(oclstm_trainer *trainer, const oclstm_train_batch *batch, oclstm_train_result *result,
                                  oclstm_error *error) {
    (void)trainer;
    (void)batch;
    (void)result;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
oclstm_status oclstm_trainer_evaluate(oclstm_trainer *trainer, const oclstm_train_batch *batch, double *loss, oclstm_error *error) {
    (void)trainer;
    (void)batch;
    (void)loss;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
oclstm_status oclstm_trainer_reset_state(oclstm_trainer *trainer, oclstm_error *error) {
    (void)trainer;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
oclstm_status oclstm_trainer_forward(oclstm_trainer *trainer, const oclstm_network_call *call, oclstm_error *error) {
    (void)trainer;
    (void)call;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
oclstm_status oclstm_trainer_backward(oclstm_trainer *trainer, const oclstm_network_gradients *gradients, oclstm_error *error) {
    (void)trainer;
    (void)gradients;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
oclstm_status oclstm_trainer_update(oclstm_trainer *trainer, oclstm_train_result *result, oclstm_error *error) {
    (void)trainer;
    (void)result;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
const oclstm_parameter *oclstm_trainer_parameters(const oclstm_trainer *trainer, size_t *count) {
    (void)trainer;
    (void)count;
    return NULL;
}
oclstm_status oclstm_trainer_read(oclstm_trainer *trainer, size_t parameter, const oclstm_array *value, oclstm_error *error) {
    (void)trainer;
    (void)parameter;
    (void)value;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
oclstm_status oclstm_trainer_read_gradient(oclstm_trainer *trainer, size_t parameter, const oclstm_array *gradient,
                                           oclstm_error *error) {
    (void)trainer;
    (void)parameter;
    (void)gradient;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
int64_t oclstm_trainer_steps(const oclstm_trainer *trainer) {
    (void)trainer;
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
// Bodies that are still to come.
#include "base/error.h"
#include "train/dropout.h"
#include "train/loss.h"
#include "train/optimizer.h"
#include <oclstm/train.h>

const char *oclstm_loss_name(oclstm_loss loss) {
    (void)loss;
    return "unknown";
}
const char *oclstm_optimizer_name(oclstm_optimizer optimizer) {
    (void)optimizer;
    return "unknown";
}
const char *oclstm_schedule_name(oclstm_schedule schedule) {
    (void)schedule;
    return "unknown";
}
oclstm_optimizer_params oclstm_optimizer_defaults(oclstm_optimizer kind) {
    (void)kind;
    return (oclstm_optimizer_params){0};
}
double oclstm_optimizer_rate(const oclstm_optimizer_params *params, int64_t step) {
    (void)params;
    (void)step;
    return 0;
}
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
oclstm_status train_dropout_create(train_dropout **out, oclstm_device *device, oclstm_dtype dtype, uint64_t seed, double p,
                                   oclstm_error *error) {
    (void)out;
    (void)device;
    (void)dtype;
    (void)seed;
    (void)p;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
void train_dropout_destroy(train_dropout **dropout) { (void)dropout; }
oclstm_status train_dropout_enqueue(train_dropout *dropout, train_matrix from, train_matrix to, size_t count, unsigned layer,
                                    uint64_t step, oclstm_error *error) {
    (void)dropout;
    (void)from;
    (void)to;
    (void)count;
    (void)layer;
    (void)step;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
oclstm_status train_losses_create(train_losses **out, oclstm_device *device, oclstm_dtype dtype, oclstm_error *error) {
    (void)out;
    (void)device;
    (void)dtype;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
void train_losses_destroy(train_losses **losses) { (void)losses; }
size_t train_loss_scratch(const train_losses *losses, size_t rows, size_t outputs) {
    (void)losses;
    (void)rows;
    (void)outputs;
    return 0;
}
oclstm_status train_loss_enqueue(train_losses *losses, const train_loss_call *call, cl_mem scratch, oclstm_error *error) {
    (void)losses;
    (void)call;
    (void)scratch;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
oclstm_status train_optimizer_check(const oclstm_optimizer_params *params, oclstm_error *error) {
    (void)params;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
oclstm_status train_optimizer_create(train_optimizer **out, oclstm_device *device, oclstm_dtype dtype, oclstm_optimizer kind,
                                     bool has_momentum, size_t flat, oclstm_error *error) {
    (void)out;
    (void)device;
    (void)dtype;
    (void)kind;
    (void)has_momentum;
    (void)flat;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}
void train_optimizer_destroy(train_optimizer **optimizer) { (void)optimizer; }
uint64_t train_optimizer_bytes(oclstm_dtype dtype, oclstm_optimizer kind, bool has_momentum, size_t flat) {
    (void)dtype;
    (void)kind;
    (void)has_momentum;
    (void)flat;
    return 0;
}
cl_mem train_optimizer_first(const train_optimizer *optimizer) {
    (void)optimizer;
    return NULL;
}
cl_mem train_optimizer_second(const train_optimizer *optimizer) {
    (void)optimizer;
    return NULL;
}
oclstm_status train_optimizer_enqueue(train_optimizer *optimizer, const oclstm_optimizer_params *params, int64_t step,
                                      cl_mem weights, cl_mem gradients, train_matrix loss, train_matrix norm, oclstm_error *error) {
    (void)optimizer;
    (void)params;
    (void)step;
    (void)weights;
    (void)gradients;
    (void)loss;
    (void)norm;
    return base_fail(error, OCLSTM_UNSUPPORTED, "%s", __func__);
}

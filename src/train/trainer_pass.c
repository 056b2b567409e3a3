// SPDX-License-Identifier: Apache-2.0
// The forward pass and the way back by themselves, from and to host arrays.
#include "base/error.h"
#include "cell/array_check.h"
#include "device/device_fork.h"
#include "train/trainer_private.h"

static oclstm_status read_outputs(oclstm_trainer *trainer, const oclstm_network_call *call, oclstm_error *error) {
    const train_buffers *b = train_graph_buffers(trainer->graph);
    const host_rows *rows = &trainer->rows;
    const size_t h = rows->batch * train_graph_h(trainer->graph), c = rows->batch * train_graph_c(trainer->graph);
    oclstm_status status = host_rows_read(rows, b->y, call->y.data, train_graph_outputs(trainer->graph), "y", error);
    if (status == OCLSTM_OK)
        status = host_block_read(rows, (train_matrix){b->hn, 0}, call->hn.data, h, "hn", error);
    return status == OCLSTM_OK ? host_block_read(rows, (train_matrix){b->cn, 0}, call->cn.data, c, "cn", error) : status;
}

oclstm_status oclstm_trainer_forward(oclstm_trainer *trainer, const oclstm_network_call *call, oclstm_error *error) {
    if (trainer == NULL || call == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_trainer_forward: %s is NULL",
                         trainer == NULL ? "trainer" : "call");
    network_shape shape = {0};
    const trainer_inputs inputs = {.x = &call->x, .tokens = &call->tokens, .h0 = call->h0.data, .c0 = call->c0.data};
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK)
        status = network_check(&trainer->paper, call, &shape, error);
    trainer->is_forward = false;
    if (status == OCLSTM_OK)
        status = trainer_bring(trainer, &shape, &inputs, error);
    if (status == OCLSTM_OK)
        status = train_graph_forward(trainer->graph, 0, error);
    trainer->rows = (host_rows){trainer->device, shape.steps, shape.batch, trainer->element_bytes, shape.batch_first};
    trainer->batched = shape.batched;
    if (status == OCLSTM_OK)
        status = read_outputs(trainer, call, error);
    const oclstm_status ended = device_finish(trainer->device, status == OCLSTM_OK ? error : NULL);
    free(shape.lengths);
    status = status == OCLSTM_OK ? ended : status;
    trainer->is_forward = status == OCLSTM_OK;
    return status;
}

// --- the way back -------------------------------------------------------------------------------------------------------

static oclstm_status expect_rows(const oclstm_trainer *trainer, const oclstm_const_array *array, const char *name, size_t features,
                                 oclstm_error *error) {
    const host_rows *rows = &trainer->rows;
    int64_t shape[3] = {(int64_t)(rows->batch_first ? rows->batch : rows->steps),
                        (int64_t)(rows->batch_first ? rows->steps : rows->batch), (int64_t)features};
    if (!trainer->batched)
        shape[1] = (int64_t)features;
    return network_expect(array, name, trainer->dtype, trainer->batched ? 3 : 2, shape, "the shape of the forward call", error);
}

static oclstm_status expect_states(const oclstm_trainer *trainer, const oclstm_network_gradients *g, oclstm_error *error) {
    static const char axes[] = "[layers x directions], [batch] where there is one, [features]";
    static const char *const names[4] = {"the gradient of hn", "the gradient of h0", "the gradient of cn", "the gradient of c0"};
    const oclstm_const_array h0 = array_as_const(&g->h0), c0 = array_as_const(&g->c0);
    const oclstm_const_array *const states[4] = {&g->hn, &h0, &g->cn, &c0};
    if (g->hn.data == NULL && h0.data == NULL && g->cn.data == NULL && c0.data == NULL)
        return OCLSTM_OK;
    int rank;
    int64_t h_shape[3], c_shape[3];
    oclstm_status status = oclstm_network_state_shape(&trainer->paper, trainer->batched ? (int64_t)trainer->rows.batch : 0, &rank,
                                                      h_shape, c_shape, error);
    for (int i = 0; i < 4 && status == OCLSTM_OK; i++)
        status = network_expect(states[i], names[i], trainer->dtype, rank, i < 2 ? h_shape : c_shape, axes, error);
    return status;
}

static oclstm_status check_gradients(const oclstm_trainer *trainer, const oclstm_network_gradients *g, oclstm_error *error) {
    const oclstm_const_array x = array_as_const(&g->x);
    if (x.data != NULL && train_graph_takes_tokens(trainer->graph))
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "the gradient of x is asked for, but the network takes tokens");
    oclstm_status status = expect_rows(trainer, &g->y, "the gradient of y", train_graph_outputs(trainer->graph), error);
    if (status == OCLSTM_OK)
        status = expect_rows(trainer, &x, "the gradient of x", train_graph_inputs(trainer->graph), error);
    return status == OCLSTM_OK ? expect_states(trainer, g, error) : status;
}

static oclstm_status run_back(oclstm_trainer *trainer, const oclstm_network_gradients *g, oclstm_error *error) {
    const host_rows *rows = &trainer->rows;
    const train_buffers *b = train_graph_buffers(trainer->graph);
    const size_t h = rows->batch * train_graph_h(trainer->graph), c = rows->batch * train_graph_c(trainer->graph);
    const train_matrix dh = {b->dhn, 0}, dc = {b->dcn, 0};
    oclstm_status status = host_rows_write(rows, b->dy, g->y.data, train_graph_outputs(trainer->graph), "the gradient of y", error);
    if (status == OCLSTM_OK)
        status = host_block_write(rows, dh, g->hn.data, h, "the gradient of hn", error);
    if (status == OCLSTM_OK)
        status = host_block_write(rows, dc, g->cn.data, c, "the gradient of cn", error);
    if (status == OCLSTM_OK)
        status = train_graph_backward(trainer->graph, g->accumulate, g->x.data != NULL, error);
    if (status == OCLSTM_OK)
        status = host_rows_read(rows, b->dx, g->x.data, train_graph_inputs(trainer->graph), "the gradient of x", error);
    if (status == OCLSTM_OK)
        status = host_block_read(rows, dh, g->h0.data, h, "the gradient of h0", error);
    if (status == OCLSTM_OK)
        status = host_block_read(rows, dc, g->c0.data, c, "the gradient of c0", error);
    const oclstm_status ended = device_finish(trainer->device, status == OCLSTM_OK ? error : NULL);
    return status == OCLSTM_OK ? ended : status;
}

oclstm_status oclstm_trainer_backward(oclstm_trainer *trainer, const oclstm_network_gradients *gradients, oclstm_error *error) {
    if (trainer == NULL || gradients == NULL)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT, "oclstm_trainer_backward: %s is NULL",
                         trainer == NULL ? "trainer" : "gradients");
    oclstm_status status = device_check_fork(error);
    if (status == OCLSTM_OK && !trainer->is_forward)
        status = base_fail(
            error, OCLSTM_INVALID_ARGUMENT,
            "oclstm_trainer_backward: there is no forward pass to go back over; call oclstm_trainer_forward() before each");
    if (status == OCLSTM_OK)
        status = check_gradients(trainer, gradients, error);
    if (status != OCLSTM_OK)
        return status;
    trainer->is_forward = false;
    return run_back(trainer, gradients, error);
}

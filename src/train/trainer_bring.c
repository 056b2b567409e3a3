// SPDX-License-Identifier: Apache-2.0
// Inputs and states of a pass to the device, results back.
#include "base/error.h"
#include "base/memory.h"
#include "device/device_transfer.h"
#include "train/trainer_private.h"

oclstm_status trainer_need(oclstm_trainer *trainer, cl_mem *buffer, size_t *have_bytes, size_t bytes, const char *what,
                           oclstm_error *error) {
    if (*buffer != NULL && *have_bytes >= bytes)
        return OCLSTM_OK;
    device_buffer_release(trainer->device, buffer);
    *have_bytes = 0;
    oclstm_status status = device_buffer_create(buffer, trainer->device, CL_MEM_READ_WRITE, bytes, what, error);
    if (status == OCLSTM_OK)
        *have_bytes = bytes;
    return status;
}

static oclstm_status copy_all(oclstm_trainer *trainer, cl_mem dst, cl_mem src, size_t count, oclstm_error *error) {
    const device_rows rows = {.count = 1, .row_bytes = count * trainer->element_bytes};
    return device_enqueue_copy(trainer->device, dst, src, &rows, error);
}

static oclstm_status bring_state(oclstm_trainer *trainer, const host_rows *rows, const trainer_inputs *inputs,
                                 oclstm_error *error) {
    const train_buffers *b = train_graph_buffers(trainer->graph);
    const size_t h = rows->batch * train_graph_h(trainer->graph), c = rows->batch * train_graph_c(trainer->graph);
    oclstm_status status;
    if (inputs->carried != NULL && inputs->carried->batch > 0) {
        status = copy_all(trainer, b->h0, inputs->carried->h, h, error);
        return status == OCLSTM_OK ? copy_all(trainer, b->c0, inputs->carried->c, c, error) : status;
    }
    status = host_block_write(rows, (train_matrix){b->h0, 0}, inputs->h0, h, "h0", error);
    return status == OCLSTM_OK ? host_block_write(rows, (train_matrix){b->c0, 0}, inputs->c0, c, "c0", error) : status;
}

static oclstm_status bring_tokens(oclstm_trainer *trainer, const host_rows *rows, const oclstm_const_array *tokens,
                                  oclstm_error *error) {
    int *lying = host_rows_integers(rows, tokens);
    if (lying == NULL)
        return base_fail_memory(error, rows->steps * rows->batch * sizeof *lying, "the tokens");
    const oclstm_status status = train_graph_write_tokens(trainer->graph, lying, error);
    free(lying);
    return status;
}

oclstm_status trainer_bring(oclstm_trainer *trainer, const network_shape *shape, const trainer_inputs *inputs,
                            oclstm_error *error) {
    const host_rows rows = {trainer->device, shape->steps, shape->batch, trainer->element_bytes, shape->batch_first};
    if (inputs->carried != NULL && inputs->carried->batch > 0 && inputs->carried->batch != shape->batch)
        return base_fail(error, OCLSTM_INVALID_ARGUMENT,
                         "carry_state: the batch has %zu rows, the one before had %zu; a state goes on with the same rows only, or "
                         "begins anew after oclstm_trainer_reset_state()",
                         shape->batch, inputs->carried->batch);
    oclstm_status status = train_graph_prepare(trainer->graph, shape->steps, shape->batch, shape->lengths != NULL, error);
    if (status != OCLSTM_OK)
        return status;
    const train_buffers *b = train_graph_buffers(trainer->graph);
    if (shape->lengths != NULL)
        status = device_write(trainer->device, b->lengths, 0, shape->lengths, shape->batch * sizeof(cl_int), "the lengths", error);
    if (status == OCLSTM_OK && train_graph_takes_tokens(trainer->graph))
        status = bring_tokens(trainer, &rows, inputs->tokens, error);
    else if (status == OCLSTM_OK)
        status = host_rows_write(&rows, (train_matrix){b->x, 0}, inputs->x->data, train_graph_inputs(trainer->graph), "x", error);
    return status == OCLSTM_OK ? bring_state(trainer, &rows, inputs, error) : status;
}

oclstm_status trainer_carry(oclstm_trainer *trainer, carried_state *carried, size_t batch, oclstm_error *error) {
    const size_t h = batch * train_graph_h(trainer->graph), c = batch * train_graph_c(trainer->graph);
    oclstm_status status = OCLSTM_OK;
    if (carried->batch != batch) {
        trainer_drop_state(trainer, carried);
        status =
            device_buffer_create(&carried->h, trainer->device, CL_MEM_READ_WRITE, h * trainer->element_bytes, "the state h", error);
        if (status == OCLSTM_OK)
            status = device_buffer_create(&carried->c, trainer->device, CL_MEM_READ_WRITE, c * trainer->element_bytes,
                                          "the state c", error);
    }
    const train_buffers *b = train_graph_buffers(trainer->graph);
    if (status == OCLSTM_OK)
        status = copy_all(trainer, carried->h, b->hn, h, error);
    if (status == OCLSTM_OK)
        status = copy_all(trainer, carried->c, b->cn, c, error);
    if (status == OCLSTM_OK)
        carried->batch = batch;
    else
        trainer_drop_state(trainer, carried);
    return status;
}

void trainer_drop_state(const oclstm_trainer *trainer, carried_state *carried) {
    device_buffer_release(trainer->device, &carried->h);
    device_buffer_release(trainer->device, &carried->c);
    carried->batch = 0;
}

oclstm_status trainer_read_results(oclstm_trainer *trainer, double values[TRAINER_RESULTS], oclstm_error *error) {
    float narrow[TRAINER_RESULTS];
    const bool is_double = trainer->dtype == OCLSTM_F64;
    oclstm_status status = device_read(trainer->device, is_double ? (void *)values : (void *)narrow, trainer->results, 0,
                                       TRAINER_RESULTS * trainer->element_bytes, "the loss", error);
    for (int i = 0; i < TRAINER_RESULTS && !is_double && status == OCLSTM_OK; i++)
        values[i] = (double)narrow[i];
    return status;
}

// SPDX-License-Identifier: Apache-2.0
// `oclstm bench --train`: a sequence forward and back over a tape.
#include <stdlib.h>

#include <oclstm/backward.h>

#include "array_view.h"
#include "bench.h"

struct bench_training {
    oclstm_tape *tape;
    void *dy, *dx; // host arrays of the shapes of y and x
};

void bench_training_destroy(bench_training **training) {
    if (!training || !*training)
        return;
    oclstm_tape_destroy(&(*training)->tape);
    free((*training)->dy);
    free((*training)->dx);
    free(*training);
    *training = NULL;
}

oclstm_status bench_training_create(bench_training **out, oclstm_cell *cell, const cli_shape *shape, oclstm_engine engine,
                                    oclstm_error *error) {
    const oclstm_dtype dtype = oclstm_cell_get_params(cell).dtype;
    const size_t element = oclstm_dtype_size_bytes(dtype), rows = (size_t)(shape->batch * shape->steps);
    const oclstm_tape_params params = {.engine = engine};
    bench_training *made = calloc(1, sizeof *made);
    oclstm_status status = OCLSTM_OUT_OF_MEMORY;
    if (made) {
        made->dy = calloc(rows * (size_t)shape->hidden, element);
        made->dx = calloc(rows * (size_t)shape->input, element);
    }
    if (made && made->dy && made->dx)
        status = oclstm_tape_create(&made->tape, cell, &params, error);
    else
        *error = (oclstm_error){.status = status, .message = "bench: no host memory for the gradients; use a smaller shape"};
    if (status != OCLSTM_OK) {
        bench_training_destroy(&made);
        return status;
    }
    // As from a loss that is a mean: small, of both signs.
    for (size_t i = 0; i < rows * (size_t)shape->hidden; i++) {
        const double value = ((double)(i % 17) - 8.0) / 512.0;
        if (dtype == OCLSTM_F64)
            ((double *)made->dy)[i] = value;
        else
            ((float *)made->dy)[i] = (float)value;
    }
    *out = made;
    return OCLSTM_OK;
}

oclstm_engine bench_training_engine(const bench_training *training) { return oclstm_tape_engine(training->tape); }

oclstm_status bench_training_call(bench_training *training, const oclstm_sequence *sequence, oclstm_error *error) {
    const oclstm_array dy = {
        training->dy, sequence->y.dtype, 3, {sequence->y.shape[0], sequence->y.shape[1], sequence->y.shape[2]}};
    const oclstm_cell_gradients gradients = {
        .y = array_read_only(dy),
        .x = {training->dx, sequence->x.dtype, 3, {sequence->x.shape[0], sequence->x.shape[1], sequence->x.shape[2]}}};
    const oclstm_status status = oclstm_tape_forward(training->tape, sequence, error);
    return status == OCLSTM_OK ? oclstm_tape_backward(training->tape, &gradients, error) : status;
}

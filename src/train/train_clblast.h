// SPDX-License-Identifier: Apache-2.0
// What the files of the clblast engine share.
#ifndef OCLSTM_TRAIN_TRAIN_CLBLAST_H
#define OCLSTM_TRAIN_TRAIN_CLBLAST_H

#include "matmul/matmul.h"
#include "train/train_engine.h"

typedef enum clblast_kernel {
    CLBLAST_FILL_ROW,
    CLBLAST_FORWARD,
    CLBLAST_KEEP,
    CLBLAST_JOIN,
    CLBLAST_BACKWARD,
    CLBLAST_KERNELS
} clblast_kernel;

typedef struct train_clblast {
    cl_kernel kernels[CLBLAST_KERNELS];
    size_t max_group[CLBLAST_KERNELS];
} train_clblast;

// Elements of CLBlast's temporary buffer for products of this shape at any offset. Leading dimensions are not looked at.
size_t train_clblast_temporary(const train_machine *machine, matmul_shape shape);

// Launches a kernel whose arguments are set over columns x rows work-items.
oclstm_status train_clblast_launch(train_machine *machine, clblast_kernel kernel, size_t columns, size_t rows, oclstm_error *error);

// The recurrence, train_clblast_steps.c. Scratch: CLBlast's temporary buffer, then with a projection [batch][hidden] elements.
size_t train_clblast_recurrence_scratch(const train_machine *machine, const train_recurrence *recurrence);
oclstm_status train_clblast_forward(train_machine *machine, const train_recurrence *recurrence, cl_mem scratch,
                                    oclstm_error *error);
oclstm_status train_clblast_backward(train_machine *machine, const train_recurrence *recurrence, cl_mem scratch,
                                     oclstm_error *error);

#endif

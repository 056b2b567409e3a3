// SPDX-License-Identifier: Apache-2.0
// What the files of training's fused engine share.
#ifndef OCLSTM_TRAIN_TRAIN_FUSED_H
#define OCLSTM_TRAIN_TRAIN_FUSED_H

#include "cell/fused.h"
#include "train/train_engine.h"

// The register tile: VW and RM of cl/fused_tile.cl, and whether there are 16 vector registers, not 32.
typedef struct train_fused_tile {
    size_t width, rows; // 0: the device's
    bool few_registers;
} train_fused_tile;

// Taken by create() instead of the device's. A variable only so that tests can run the tiles of other devices.
extern train_fused_tile train_fused_tile_forced;

typedef struct train_fused_data {
    train_fused_tile tile;
    size_t cores;
    cl_kernel product, pack, forward, backward;
} train_fused_data;

// As the engine's entries.
size_t train_fused_product_scratch(const train_machine *machine, const train_product *product);
oclstm_status train_fused_product(train_machine *machine, const train_product *product, cl_mem scratch, oclstm_error *error);
size_t train_fused_recurrence_scratch(const train_machine *machine, const train_recurrence *recurrence);
oclstm_status train_fused_forward(train_machine *machine, const train_recurrence *recurrence, cl_mem scratch, oclstm_error *error);
oclstm_status train_fused_backward(train_machine *machine, const train_recurrence *recurrence, cl_mem scratch, oclstm_error *error);

#endif

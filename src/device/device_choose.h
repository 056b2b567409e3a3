// SPDX-License-Identifier: Apache-2.0
// Choosing between a CPU's devices by the shape of the work, as a function of a list: no OpenCL here.
#ifndef OCLSTM_DEVICE_DEVICE_CHOOSE_H
#define OCLSTM_DEVICE_DEVICE_CHOOSE_H

#include <oclstm/device.h>

// One call: `steps` of a cell with these sizes on `batch` rows.
typedef struct device_work {
    int64_t input;
    int64_t hidden;
    int64_t batch;
    int64_t steps;
} device_work;

// Is it best done by the thread that asks? Handing it to others costs more than they save.
bool device_work_is_small(const device_work *work);

// The position of the entry to open for this work; count when none is usable.
size_t device_choose_for(const oclstm_device_info *list, size_t count, const device_work *work);

#endif

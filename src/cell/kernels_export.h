// SPDX-License-Identifier: Apache-2.0
// Which programs devices and cells need, as a list without repetitions.
#ifndef OCLSTM_CELL_KERNELS_EXPORT_H
#define OCLSTM_CELL_KERNELS_EXPORT_H

#include <oclstm/kernels.h>

#include "cell/engine.h"

typedef struct export_item {
    engine_program program;
    const char *engine; // its name
    oclstm_dtype dtype;
    size_t from; // which of the devices asked for it: its program is written with that one
    char name[DEVICE_PROGRAM_NAME];
} export_item;

enum { EXPORT_MOST = 512, EXPORT_DEVICES = 16 };

typedef struct export_list {
    oclstm_device *devices[EXPORT_DEVICES]; // held
    size_t device_count;
    size_t count;
    bool assumed; // the devices are assumptions
    export_item items[EXPORT_MOST];
} export_list;

// README.txt and index.txt.
oclstm_status export_write_texts(const export_list *list, const char *directory, oclstm_error *error);

#endif

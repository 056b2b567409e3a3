// SPDX-License-Identifier: Apache-2.0
// Parts of a device: the "/K" and "/K/P" of a selector, and clCreateSubDevices.
#ifndef OCLSTM_DEVICE_DEVICE_PART_H
#define OCLSTM_DEVICE_DEVICE_PART_H

#include "device/device_private.h"

// Which part. `parts` 0 without `wanted`: the whole device; 0 with it: as many parts as compute units.
typedef struct device_part {
    bool wanted;
    int64_t part, parts;
} device_part;

// Takes a selector apart: the device's own selector into device[capacity], which has room for all of `selector`, and the part of it. Text behind a
// slash is a part only where a device by kind or position stands before it, so that names may have slashes. No OpenCL here.
oclstm_status device_part_read(device_part *out, char *device, size_t capacity, const char *selector, oclstm_error *error);

// Replaces an entry by a part of it: id, limits, name. *made says whether the id is a sub-device, which the caller releases; a device that has
// one part is itself that part.
oclstm_status device_part_make(device_entry *entry, bool *made, const device_part *part, const char *selector, oclstm_error *error);

#endif

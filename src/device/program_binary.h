// SPDX-License-Identifier: Apache-2.0
// Programs from what a compiler made earlier, and back. The reasons are words for a note: a binary that a driver refuses is never a failure of
// its own.
#ifndef OCLSTM_DEVICE_PROGRAM_BINARY_H
#define OCLSTM_DEVICE_PROGRAM_BINARY_H

#include "device/device_private.h"
#include "device/kernel_entry.h"

// A built program whose kernels can be made: those of `names` (with ';' between), or with NULL all it has, at least one. NULL with the
// reason otherwise.
cl_program program_from_binary(oclstm_device *device, const kernel_span *binary, const char *options, const kernel_span *names,
                               char *why, size_t capacity);

// The same from SPIR-V, which the device must list.
cl_program program_from_spirv(oclstm_device *device, const kernel_span *binary, const char *options, char *why, size_t capacity);

// Makes every kernel of a built program once, and writes their names with ';' between. Mali compiles only then. False when that fails or the
// names do not fit.
bool program_kernel_names(cl_program program, char *names, size_t capacity);

// The program's binary for its device, to be freed; NULL when the driver gives none.
unsigned char *program_get_binary(const oclstm_device *device, cl_program program, size_t *length);

#endif

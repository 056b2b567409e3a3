// SPDX-License-Identifier: Apache-2.0
// What makes a shared object a layer: ocl-icd loads each one that the environment variable OPENCL_LAYERS names (paths separated by
// colons), and puts its table of calls between the program and the driver.
//
// A layer links layer_entry.c and defines the two things at the end.
#ifndef OCLSTM_TESTS_LAYER_ENTRY_H
#define OCLSTM_TESTS_LAYER_ENTRY_H

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl_layer.h>

// The calls below the layer. Set before layer_install() is called, constant from then on.
extern const struct _cl_icd_dispatch *layer_below;

// Answers a query as OpenCL says: *needed always, *dst where there is one, CL_INVALID_VALUE when capacity_bytes is too small.
cl_int layer_answer(const void *value, size_t value_bytes, size_t capacity_bytes, void *dst, size_t *needed);

// The layer's name, for CL_LAYER_NAME.
extern const char *const layer_name;

// Puts the layer's calls into the table, which is a copy of *layer_below. Called once, by the first OpenCL call of the process.
void layer_install(struct _cl_icd_dispatch *table);

#endif

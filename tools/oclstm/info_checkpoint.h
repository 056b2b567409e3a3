// SPDX-License-Identifier: Apache-2.0
// What `oclstm info` says of a training's checkpoint: the steps done, the settings.
#ifndef OCLSTM_INFO_CHECKPOINT_H
#define OCLSTM_INFO_CHECKPOINT_H

#include <stdbool.h>

#include <jansson.h>

#include <oclstm/tensors.h>

// A key of the metadata that the functions below tell of.
bool is_checkpoint_key(const char *key);

// One line; nothing for any other file.
void print_checkpoint(const oclstm_tensors *file);

// {"steps": 600, "optimizer": "adam", ...}; null for any other file.
json_t *checkpoint_to_json(const oclstm_tensors *file);

#endif

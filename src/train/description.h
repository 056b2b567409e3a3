// SPDX-License-Identifier: Apache-2.0
// Layers from words: oclstm_trainer_params.description. No OpenCL here.
#ifndef OCLSTM_TRAIN_DESCRIPTION_H
#define OCLSTM_TRAIN_DESCRIPTION_H

#include <oclstm/train.h>

// *layers is allocated with base_alloc(); free() it. INVALID_ARGUMENT with the word and its place, what was expected and found.
oclstm_status train_description_parse(oclstm_layer **layers, size_t *count, const char *text, oclstm_error *error);

#endif

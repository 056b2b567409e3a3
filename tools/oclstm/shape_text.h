// SPDX-License-Identifier: Apache-2.0
// Shapes on the command line: "B,I,H,T" of a cell, for `oclstm tune` also "B,I,H"; "M,N,K" of a product.
#ifndef OCLSTM_TOOL_SHAPE_TEXT_H
#define OCLSTM_TOOL_SHAPE_TEXT_H

#include "options.h"

// Appends the shape to options->shapes. NULL, or what would have been right.
const char *shape_parse_next(cli_options *options, const char *text);

// The same for options->products.
const char *product_parse_next(cli_options *options, const char *text);

#endif

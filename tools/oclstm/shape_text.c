// SPDX-License-Identifier: Apache-2.0
#include "shape_text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

// One number and what closes it. strtoll alone would take blanks and signs.
static bool parse_number(int64_t *out, const char **text, char closing) {
    char *end = NULL;
    errno = 0;
    if (!isdigit((unsigned char)**text))
        return false;
    *out = strtoll(*text, &end, 10);
    *text = end + 1;
    return errno == 0 && *end == closing && *out >= 1;
}

// Do x, y and the weights stay within the address space, in double precision?
static bool fits(const cli_shape *shape) {
    int64_t widest = 0, weights = 0, rows = 0, bytes = 0;
    return !__builtin_add_overflow(shape->input, shape->hidden, &widest) &&
           !__builtin_mul_overflow(shape->hidden, widest, &weights) && !__builtin_mul_overflow(weights, 4 * 8, &bytes) &&
           !__builtin_mul_overflow(shape->batch, shape->steps, &rows) && !__builtin_mul_overflow(rows, widest, &bytes) &&
           !__builtin_mul_overflow(bytes, 8, &bytes);
}

const char *shape_parse_next(cli_options *options, const char *text) {
    if (options->shape_count == MAX_SHAPES)
        return "at most 64 shapes";
    cli_shape *shape = &options->shapes[options->shape_count];
    if (!parse_number(&shape->batch, &text, ',') || !parse_number(&shape->input, &text, ',') ||
        !parse_number(&shape->hidden, &text, ',') || !parse_number(&shape->steps, &text, '\0'))
        return "B,I,H,T: batch, input, hidden and steps, four whole numbers from 1 on, such as 16,256,256,50";
    if (!fits(shape))
        return "sizes whose arrays fit into the address space";
    options->shape_count++;
    return NULL;
}

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

static const char shape_form[] = "B,I,H,T: batch, input, hidden and steps, four whole numbers from 1 on, such as 16,256,256,50";
static const char tune_form[] = "B,I,H or B,I,H,T: batch, input, hidden and steps, whole numbers from 1 on, such as 16,256,256";

// Do x, y and the weights stay within the address space, in double precision?
static bool fits(const cli_shape *shape) {
    int64_t widest = 0, weights = 0, rows = 0, bytes = 0;
    return !__builtin_add_overflow(shape->input, shape->hidden, &widest) &&
           !__builtin_mul_overflow(shape->hidden, widest, &weights) && !__builtin_mul_overflow(weights, 4 * 8, &bytes) &&
           !__builtin_mul_overflow(shape->batch, shape->steps, &rows) && !__builtin_mul_overflow(rows, widest, &bytes) &&
           !__builtin_mul_overflow(bytes, 8, &bytes);
}

// Steps of a shape for `oclstm tune` where none are given.
static const int64_t tune_steps = 20;

const char *shape_parse_next(cli_options *options, const char *text) {
    if (options->shape_count == MAX_SHAPES)
        return "at most 64 shapes";
    const bool steps_needless = options->command->bit == IN_TUNE;
    cli_shape *shape = &options->shapes[options->shape_count];
    const char *rest = text, *form = steps_needless ? tune_form : shape_form;
    if (!parse_number(&shape->batch, &rest, ',') || !parse_number(&shape->input, &rest, ','))
        return form;
    const char *hidden = rest;
    if (steps_needless && parse_number(&shape->hidden, &rest, '\0')) {
        shape->steps = tune_steps;
    } else {
        rest = hidden;
        if (!parse_number(&shape->hidden, &rest, ',') || !parse_number(&shape->steps, &rest, '\0'))
            return form;
    }
    if (!fits(shape))
        return "sizes whose arrays fit into the address space";
    options->shape_count++;
    return NULL;
}

const char *product_parse_next(cli_options *options, const char *text) {
    if (options->product_count == MAX_PRODUCTS)
        return "at most 16 products";
    cli_product *product = &options->products[options->product_count];
    if (!parse_number(&product->m, &text, ',') || !parse_number(&product->n, &text, ',') || !parse_number(&product->k, &text, '\0'))
        return "M,N,K: rows of A, rows of B, columns of both, three whole numbers from 1 on, such as 64,2048,512";
    options->product_count++;
    return NULL;
}

// SPDX-License-Identifier: Apache-2.0
// A loss over the steps, thinned to as many points as a picture shows, however many steps there are.
#ifndef OCLSTM_TOOL_TRAIN_CURVE_H
#define OCLSTM_TOOL_TRAIN_CURVE_H

#include <stdbool.h>
#include <stdint.h>

enum { CURVE_POINTS = 600 };

// A run of steps: with one, `low` and `high` are its loss.
typedef struct curve_point {
    int64_t first, last; // steps, from 1
    int64_t count;       // of losses
    double sum, low, high;
} curve_point;

typedef struct train_curve {
    int64_t width; // steps that a point takes
    int count;
    curve_point points[CURVE_POINTS];
} train_curve;

// Takes the loss of a step, later than all before. When the points are full each two become one.
void train_curve_take(train_curve *curve, int64_t step, double loss);

// As text without spaces, allocated, and back. Numbers come back as they were.
char *train_curve_text(const train_curve *curve);
bool train_curve_parse(train_curve *out, const char *text);

#endif

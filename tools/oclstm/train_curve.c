// SPDX-License-Identifier: Apache-2.0
#include "train_curve.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { POINT_CHARACTERS = 144 }; // three integers and three doubles

static void join(curve_point *to, const curve_point *more) {
    to->last = more->last;
    to->count += more->count;
    to->sum += more->sum;
    to->low = fmin(to->low, more->low);
    to->high = fmax(to->high, more->high);
}

// Twice the width: neighbours become one.
static void halve(train_curve *curve) {
    int kept = 0;
    curve->width *= 2;
    for (int i = 0; i < curve->count; i++) {
        if (kept > 0 && (curve->points[kept - 1].first - 1) / curve->width == (curve->points[i].first - 1) / curve->width)
            join(&curve->points[kept - 1], &curve->points[i]);
        else
            curve->points[kept++] = curve->points[i];
    }
    curve->count = kept;
}

void train_curve_take(train_curve *curve, int64_t step, double loss) {
    const curve_point point = {.first = step, .last = step, .count = 1, .sum = loss, .low = loss, .high = loss};
    if (!isfinite(loss))
        return;
    if (curve->width < 1)
        curve->width = 1;
    for (;;) {
        if (curve->count > 0 && (curve->points[curve->count - 1].first - 1) / curve->width == (step - 1) / curve->width) {
            join(&curve->points[curve->count - 1], &point);
            return;
        }
        if (curve->count < CURVE_POINTS)
            break;
        halve(curve);
    }
    curve->points[curve->count++] = point;
}

char *train_curve_text(const train_curve *curve) {
    const size_t room = 32 + (size_t)curve->count * POINT_CHARACTERS;
    char *text = malloc(room);
    if (!text)
        return NULL;
    size_t used = (size_t)snprintf(text, room, "%" PRId64 ";%d", curve->width, curve->count);
    for (int i = 0; i < curve->count && used < room; i++) {
        const curve_point *point = &curve->points[i];
        used += (size_t)snprintf(text + used, room - used, ";%" PRId64 ",%" PRId64 ",%" PRId64 ",%.17g,%.17g,%.17g", point->first,
                                 point->last, point->count, point->sum, point->low, point->high);
    }
    return text;
}

bool train_curve_parse(train_curve *out, const char *text) {
    int read = 0;
    *out = (train_curve){0};
    if (sscanf(text, "%" SCNd64 ";%d%n", &out->width, &out->count, &read) != 2 || out->count < 0 || out->count > CURVE_POINTS)
        return false;
    for (int i = 0; i < out->count; i++) {
        curve_point *point = &out->points[i];
        text += read;
        if (sscanf(text, ";%" SCNd64 ",%" SCNd64 ",%" SCNd64 ",%lf,%lf,%lf%n", &point->first, &point->last, &point->count,
                   &point->sum, &point->low, &point->high, &read) != 6 ||
            point->count < 1)
            return false;
    }
    return text[read] == '\0';
}

// SPDX-License-Identifier: Apache-2.0
// How long frames took, counted in memory that does not grow with their number.
#ifndef OCLSTM_TOOL_STREAM_LATENCY_H
#define OCLSTM_TOOL_STREAM_LATENCY_H

#include <stdint.h>

// Nanoseconds in 128 classes an octave, each exactly below 128: a percentile is right to 1/256 of itself.
enum { LATENCY_PARTS = 128, LATENCY_OCTAVES = 36, LATENCY_CLASSES = LATENCY_PARTS * LATENCY_OCTAVES };

typedef struct latency_counts {
    uint64_t counts[LATENCY_CLASSES];
    uint64_t total;
    double longest; // seconds, exact
    double sum;
} latency_counts;

void latency_add(latency_counts *counts, double seconds);

// The least time that at least this share of the frames, above 0 to 1, did not exceed. 0 where there are none.
double latency_percentile(const latency_counts *counts, double share);

#endif

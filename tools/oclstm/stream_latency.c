// SPDX-License-Identifier: Apache-2.0
#include "stream_latency.h"

#include <math.h>

// The class of a time: below 128 ns the number itself; above, the leading seven bits behind the first one, and how far they were shifted.
static int class_of(uint64_t nanoseconds) {
    int shift = 0;
    while ((nanoseconds >> shift) >= 2 * LATENCY_PARTS)
        shift++;
    const uint64_t at = (nanoseconds >> shift) + (uint64_t)shift * LATENCY_PARTS;
    return at < LATENCY_CLASSES ? (int)at : LATENCY_CLASSES - 1;
}

// The middle of a class.
static double seconds_of(int at) {
    const int shift = at < 2 * LATENCY_PARTS ? 0 : at / LATENCY_PARTS - 1;
    return ldexp(at - shift * LATENCY_PARTS + (shift > 0 ? 0.5 : 0.0), shift) * 1e-9;
}

void latency_add(latency_counts *counts, double seconds) {
    counts->counts[class_of(seconds > 0.0 ? (uint64_t)(seconds * 1e9) : 0)]++;
    counts->total++;
    counts->sum += seconds;
    counts->longest = fmax(counts->longest, seconds);
}

double latency_percentile(const latency_counts *counts, double share) {
    const uint64_t rank = (uint64_t)ceil(share * (double)counts->total);
    uint64_t seen = 0;
    for (int at = 0; at < LATENCY_CLASSES; at++) {
        seen += counts->counts[at];
        if (seen > 0 && seen >= rank)
            return fmin(seconds_of(at), counts->longest);
    }
    return 0.0;
}

// SPDX-License-Identifier: Apache-2.0
// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. For the order of data and for sampling characters.
#ifndef OCLSTM_TOOL_SPLITMIX_H
#define OCLSTM_TOOL_SPLITMIX_H

#include <stdint.h>

typedef struct splitmix {
    uint64_t state; // begins with the seed
} splitmix;

static inline uint64_t splitmix_next(splitmix *generator) {
    uint64_t z = generator->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

// A whole number below n, each as likely: numbers from the last incomplete run of n are drawn again.
static inline uint64_t splitmix_below(splitmix *generator, uint64_t n) {
    const uint64_t rest = (0u - n) % n; // 2^64 mod n
    uint64_t drawn;
    do
        drawn = splitmix_next(generator);
    while (drawn < rest);
    return drawn % n;
}

// In [0, 1), 53 bits.
static inline double splitmix_unit(splitmix *generator) { return (double)(splitmix_next(generator) >> 11) * 0x1p-53; }

#endif

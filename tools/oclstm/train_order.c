// SPDX-License-Identifier: Apache-2.0
// Which sequences make which batch. The order of an epoch follows from the seed and the epoch's number alone, so that a training that goes on has it, too.
#include "splitmix.h"
#include "train_job.h"

static uint64_t mixed(uint64_t state) { return splitmix_next(&(splitmix){state}); }

// Fisher and Yates, from the last place down, with SplitMix64 from state mixed(mixed(seed) + epoch).
void train_order(int64_t *order, int64_t n, uint64_t seed, int64_t epoch) {
    splitmix generator = {mixed(mixed(seed) + (uint64_t)epoch)};
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = (int64_t)splitmix_below(&generator, (uint64_t)i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

train_place train_place_of(const train_plan *plan, int64_t step) {
    const int64_t inside = step % plan->per_epoch;
    return (train_place){.epoch = step / plan->per_epoch, .batch = inside / plan->chunks, .chunk = inside % plan->chunks};
}

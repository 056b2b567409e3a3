// SPDX-License-Identifier: Apache-2.0
// Philox4x32-10 as cl/train_dropout.cl has it.
#include "train/dropout.h"

enum { ROUNDS = 10 };

void train_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3], key0 = key[0], key1 = key[1];
    for (int i = 0; i < ROUNDS; i++) {
        const uint64_t product0 = (uint64_t)0xD2511F53U * c0, product1 = (uint64_t)0xCD9E8D57U * c2;
        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ key0;
        c1 = (uint32_t)product1;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ key1;
        c3 = (uint32_t)product0;
        key0 += 0x9E3779B9U;
        key1 += 0xBB67AE85U;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

// SPDX-License-Identifier: Apache-2.0
// Dropout with Philox4x32-10: Salmon, Moraes, Dror & Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011. See src/train/dropout.h.
// No local memory, no barrier; correct at any work-group size.
#define PHILOX_M0 0xD2511F53u
#define PHILOX_M1 0xCD9E8D57u
#define PHILOX_W0 0x9E3779B9u // added to the key from round to round
#define PHILOX_W1 0xBB67AE85u

static uint4 philox(uint4 counter, uint key0, uint key1) {
    for (int i = 0; i < 10; i++) {
        const uint high0 = mul_hi(PHILOX_M0, counter.x), low0 = PHILOX_M0 * counter.x;
        const uint high1 = mul_hi(PHILOX_M1, counter.z), low1 = PHILOX_M1 * counter.z;
        counter = (uint4)(high1 ^ counter.y ^ key0, low1, high0 ^ counter.w ^ key1, low0);
        key0 += PHILOX_W0;
        key1 += PHILOX_W1;
    }
    return counter;
}

// Work-items: four elements each. An element is kept where its word is at most `last`, and divided by `keep`. to may be from.
__kernel void train_dropout(__global const REAL *from_gm, uint from_offset, __global REAL *to_gm, uint to_offset, uint count,
                            uint layer, uint step_low, uint step_high, uint key0, uint key1, uint last, REAL keep) {
    uint block = (uint)get_global_id(0);
    uint begin = block * 4u;
    if (begin >= count)
        return;
    const uint4 words = philox((uint4)(block, layer, step_low, step_high), key0, key1);
    __global const REAL *v_gm = from_gm + from_offset + begin;
    __global REAL *out_gm = to_gm + to_offset + begin;
    out_gm[0] = words.x <= last ? v_gm[0] / keep : (REAL)0;
    if (begin + 1u < count)
        out_gm[1] = words.y <= last ? v_gm[1] / keep : (REAL)0;
    if (begin + 2u < count)
        out_gm[2] = words.z <= last ? v_gm[2] / keep : (REAL)0;
    if (begin + 3u < count)
        out_gm[3] = words.w <= last ? v_gm[3] / keep : (REAL)0;
}

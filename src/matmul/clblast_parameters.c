// SPDX-License-Identifier: Apache-2.0
// Constraints: CLBlast's src/tuning/kernels/*.hpp. The upper bounds are this library's: sizes are padded to multiples of at most 256, and no
// tile is so large that compiling it takes minutes.
#include "matmul/clblast_parameters.h"

#include <string.h>

typedef enum range_kind { RANGE, POWER_OF_TWO } range_kind;

typedef struct parameter_range {
    const char *name;
    size_t least, most;
    range_kind kind;
} parameter_range;

static const size_t *find_value(const tuned_clblast *kernel, const char *name) {
    for (size_t i = 0; i < kernel->count; i++) {
        if (strcmp(kernel->names[i], name) == 0)
            return &kernel->values[i];
    }
    return NULL;
}

static size_t value_of(const tuned_clblast *kernel, const char *name) {
    const size_t *value = find_value(kernel, name);
    return value != NULL ? *value : 0;
}

static bool is_multiple(size_t value, size_t divisor) { return divisor > 0 && value % divisor == 0; }

static bool group_fits(const device_limits *limits, size_t x, size_t y) {
    return x * y <= limits->max_work_group_size && x <= limits->max_work_item_sizes[0] && y <= limits->max_work_item_sizes[1];
}

static bool local_fits(const device_limits *limits, oclstm_dtype dtype, size_t elements) {
    return elements * oclstm_dtype_size_bytes(dtype) <= limits->local_memory_bytes;
}

// --- a kernel each: the ranges of its parameters hold already -------------------------------------------------------------------

static bool xgemm_fits(const tuned_clblast *kernel, const device_limits *limits) {
    const size_t mwg = value_of(kernel, "MWG"), nwg = value_of(kernel, "NWG"), kwg = value_of(kernel, "KWG"),
                 mdimc = value_of(kernel, "MDIMC"), ndimc = value_of(kernel, "NDIMC"), mdima = value_of(kernel, "MDIMA"),
                 ndimb = value_of(kernel, "NDIMB"), vwm = value_of(kernel, "VWM"), vwn = value_of(kernel, "VWN"),
                 kreg = value_of(kernel, "KREG"), kwi = value_of(kernel, "KWI"), sa = value_of(kernel, "SA"),
                 sb = value_of(kernel, "SB"), items = mdimc * ndimc;
    const bool second = value_of(kernel, "GEMMK") == 1;
    if (!is_multiple(kwg, kwi) || !is_multiple(mwg, mdimc * vwm) || !is_multiple(nwg, ndimc * vwn) ||
        !is_multiple(mwg, mdima * vwm) || !is_multiple(nwg, ndimb * vwn) || !is_multiple(items, mdima) ||
        !is_multiple(items, ndimb) || kwg * kreg > 256)
        return false;
    // The copies of A, B and C stand behind each other in one buffer, each at a whole vector, whatever m, n and k are.
    if (!is_multiple(nwg * kwg * kreg, vwm) || !is_multiple(mwg * kwg * kreg, vwm) || !is_multiple(mwg * kwg * kreg, vwn))
        return false;
    // Which work-item brings what into local memory.
    if ((sa == 1 && !is_multiple(kwg, items / mdima)) || (sb == 1 && !is_multiple(kwg, items / ndimb)))
        return false;
    if (second ? !is_multiple(kreg, vwn) || sa + sb > 0 || mdimc != mdima || ndimc != ndimb : kreg != 1)
        return false;
    // Sums in registers, and multiply-adds in the unrolled loop.
    const size_t tile = mwg / mdimc * (nwg / ndimc);
    return tile <= 1024 && tile / vwm * kwi * kreg <= 4096 && group_fits(limits, mdimc, ndimc) &&
           local_fits(limits, kernel->dtype, kwg * (sa * mwg + sb * nwg));
}

static bool xgemm_direct_fits(const tuned_clblast *kernel, const device_limits *limits) {
    const size_t wgd = value_of(kernel, "WGD"), mdimcd = value_of(kernel, "MDIMCD"), ndimcd = value_of(kernel, "NDIMCD"),
                 mdimad = value_of(kernel, "MDIMAD"), ndimbd = value_of(kernel, "NDIMBD"), vwmd = value_of(kernel, "VWMD"),
                 vwnd = value_of(kernel, "VWND"), items = mdimcd * ndimcd;
    return is_multiple(wgd, value_of(kernel, "KWID")) && is_multiple(wgd, mdimcd * vwmd) && is_multiple(wgd, ndimcd * vwnd) &&
           is_multiple(wgd, mdimad * vwmd) && is_multiple(wgd, ndimbd * vwnd) && is_multiple(items, mdimad) &&
           is_multiple(items, ndimbd) && is_multiple(wgd, items / mdimad) && is_multiple(wgd, items / ndimbd) &&
           wgd / mdimcd * (wgd / ndimcd) <= 1024 && group_fits(limits, mdimcd, ndimcd) &&
           local_fits(limits, kernel->dtype, wgd * (2 * wgd + value_of(kernel, "PADA") + value_of(kernel, "PADB")));
}

static bool routine_fits(const tuned_clblast *kernel, const device_limits *limits) {
    (void)kernel;
    (void)limits;
    return true;
}

static bool copy_fits(const tuned_clblast *kernel, const device_limits *limits) {
    return group_fits(limits, value_of(kernel, "COPY_DIMX"), value_of(kernel, "COPY_DIMY"));
}

static bool pad_fits(const tuned_clblast *kernel, const device_limits *limits) {
    return group_fits(limits, value_of(kernel, "PAD_DIMX"), value_of(kernel, "PAD_DIMY"));
}

static bool transpose_fits(const tuned_clblast *kernel, const device_limits *limits) {
    const size_t dim = value_of(kernel, "TRA_DIM"), wpt = value_of(kernel, "TRA_WPT");
    return group_fits(limits, dim, dim) && local_fits(limits, kernel->dtype, wpt * wpt * dim * (dim + value_of(kernel, "TRA_PAD")));
}

static bool padtranspose_fits(const tuned_clblast *kernel, const device_limits *limits) {
    const size_t tile = value_of(kernel, "PADTRA_TILE"), side = tile * value_of(kernel, "PADTRA_WPT");
    return group_fits(limits, tile, tile) && local_fits(limits, kernel->dtype, side * (side + value_of(kernel, "PADTRA_PAD")));
}

static bool xgemv_fits(const tuned_clblast *kernel, const device_limits *limits) {
    const size_t group = value_of(kernel, "WGS1");
    return group_fits(limits, group, 1) && local_fits(limits, kernel->dtype, group);
}

static bool xgemv_fast_fits(const tuned_clblast *kernel, const device_limits *limits) {
    const size_t group = value_of(kernel, "WGS2");
    return is_multiple(value_of(kernel, "WPT2"), value_of(kernel, "VW2")) && group_fits(limits, group, 1) &&
           local_fits(limits, kernel->dtype, group);
}

static bool xgemv_fast_rot_fits(const tuned_clblast *kernel, const device_limits *limits) {
    const size_t group = value_of(kernel, "WGS3"), work = value_of(kernel, "WPT3"), width = value_of(kernel, "VW3");
    // The kernel is used where WGS3 divides the columns, and reads WPT3 of them at a time.
    return is_multiple(work, width) && is_multiple(group, work) && group_fits(limits, group, 1) &&
           local_fits(limits, kernel->dtype, work + work * group);
}

// --- the kernels that a product uses ------------------------------------------------------------------------------------------

#define FLAG(name)                                                                                                                 \
    { name, 0, 1, RANGE }
#define WIDTH(name)                                                                                                                \
    { name, 1, 16, POWER_OF_TWO }
#define GROUP(name)                                                                                                                \
    { name, 1, 1024, RANGE }
#define WORK(name)                                                                                                                 \
    { name, 1, 32, RANGE }

static const struct {
    const char *kernel;
    bool (*fits)(const tuned_clblast *kernel, const device_limits *limits);
    parameter_range ranges[16];
} kernels[] = {
    {"Xgemm",
     xgemm_fits,
     {FLAG("GEMMK"),
      {"KREG", 1, 16, RANGE},
      {"KWG", 1, 64, RANGE},
      WORK("KWI"),
      GROUP("MDIMA"),
      GROUP("MDIMC"),
      {"MWG", 1, 256, RANGE},
      GROUP("NDIMB"),
      GROUP("NDIMC"),
      {"NWG", 1, 256, RANGE},
      FLAG("SA"),
      FLAG("SB"),
      FLAG("STRM"),
      FLAG("STRN"),
      WIDTH("VWM"),
      WIDTH("VWN")}},
    {"XgemmDirect",
     xgemm_direct_fits,
     {WORK("KWID"),
      GROUP("MDIMAD"),
      GROUP("MDIMCD"),
      GROUP("NDIMBD"),
      GROUP("NDIMCD"),
      FLAG("PADA"),
      FLAG("PADB"),
      {"VWMD", 1, 8, POWER_OF_TWO},
      {"VWND", 1, 8, POWER_OF_TWO},
      {"WGD", 1, 128, RANGE}}},
    {"GemmRoutine", routine_fits, {{"XGEMM_MIN_INDIRECT_SIZE", 0, INT32_MAX, RANGE}}},
    {"Copy", copy_fits, {GROUP("COPY_DIMX"), GROUP("COPY_DIMY"), {"COPY_VW", 1, 8, POWER_OF_TWO}, WORK("COPY_WPT")}},
    {"Pad", pad_fits, {GROUP("PAD_DIMX"), GROUP("PAD_DIMY"), WORK("PAD_WPTX"), WORK("PAD_WPTY")}},
    {"Transpose", transpose_fits, {GROUP("TRA_DIM"), FLAG("TRA_PAD"), FLAG("TRA_SHUFFLE"), WIDTH("TRA_WPT")}},
    {"Padtranspose", padtranspose_fits, {FLAG("PADTRA_PAD"), GROUP("PADTRA_TILE"), WORK("PADTRA_WPT")}},
    {"Xgemv", xgemv_fits, {GROUP("WGS1"), WORK("WPT1")}},
    {"XgemvFast", xgemv_fast_fits, {{"VW2", 1, 8, POWER_OF_TWO}, GROUP("WGS2"), WORK("WPT2")}},
    {"XgemvFastRot", xgemv_fast_rot_fits, {{"VW3", 1, 8, POWER_OF_TWO}, GROUP("WGS3"), WORK("WPT3")}},
};

static bool ranges_hold(const tuned_clblast *kernel, const parameter_range *ranges, size_t capacity) {
    size_t count = 0;
    for (; count < capacity && ranges[count].name != NULL; count++) {
        const size_t *value = find_value(kernel, ranges[count].name);
        if (value == NULL || *value < ranges[count].least || *value > ranges[count].most ||
            (ranges[count].kind == POWER_OF_TWO && (*value & (*value - 1)) != 0))
            return false;
    }
    return kernel->count == count;
}

bool clblast_parameters_fit(const tuned_clblast *kernel, const device_limits *limits) {
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        if (strcmp(kernels[i].kernel, kernel->kernel) == 0)
            return ranges_hold(kernel, kernels[i].ranges, sizeof kernels[i].ranges / sizeof kernels[i].ranges[0]) &&
                   kernels[i].fits(kernel, limits);
    }
    return false;
}

// SPDX-License-Identifier: Apache-2.0
// A bench's results as a table and as JSON.
#include <inttypes.h>
#include <stdio.h>

#include "bench.h"
#include "json_output.h"
#include "report.h"

void bench_print_header(const bench_job *job) {
    const cli_options *options = job->options;
    if (options->quiet)
        return;
    for (size_t i = 0; i < job->group_count; i++) {
        printf("device %zu of %zu: ", i, job->group_count);
        print_text(stdout, oclstm_device_get_info(job->group[i])->name);
        printf("\n");
    }
    for (int at = 0; at < job->device_count; at++) {
        const bench_device *device = &job->devices[at];
        const oclstm_device_info *info = oclstm_device_get_info(device->device);
        printf("device %d: ", info->index);
        print_text(stdout, info->name);
        printf(" (");
        print_text(stdout, info->platform_name);
        printf("), %s", oclstm_dtype_name(options->dtype));
        if (device->roofs.flops_per_second > 0.0)
            printf(": peak %.1f GFLOP/s, copy %.1f GB/s", device->roofs.flops_per_second * 1e-9,
                   device->roofs.bytes_per_second * 1e-9);
        putchar('\n');
    }
    if (options->train)
        printf("us of a sequence forward and back:\nbatch input hidden steps engine   dev       min    median       max  us/step  "
               "GFLOP/s %%peak\n");
    else if (options->single)
        printf("us of a call:\nbatch input hidden engine   dev       min    median       99%%       max   calls\n");
    else
        printf(
            "us of a call:\nbatch input hidden steps engine   dev       min    median       max  us/step  GFLOP/s %%peak    GB/s  "
            "%%copy\n");
}

// A share in percent; nothing where the roof is not known.
static void print_share(double value, double roof) {
    if (roof > 0.0)
        printf(" %5.0f", 100.0 * value / roof);
    else
        printf(" %5s", "-");
}

static double flops(const bench_result *result) { return bench_operations(&result->shape, result->train) / result->seconds_min; }
static double bytes_per_second(const bench_result *result) {
    return bench_bytes(&result->shape, result->dtype) / result->seconds_min;
}

void bench_print_result(const bench_result *result) {
    const cli_shape *shape = &result->shape;
    printf("%5" PRId64 " %5" PRId64 " %6" PRId64, shape->batch, shape->input, shape->hidden);
    if (result->single) {
        printf(" %-8s %3d %9.2f %9.2f %9.2f %9.1f %7zu\n", oclstm_engine_name(result->engine), result->device->index,
               result->seconds_min * 1e6, result->seconds_median * 1e6, result->seconds_p99 * 1e6, result->seconds_max * 1e6,
               result->calls);
    } else {
        printf(" %5" PRId64 " %-8s %3d %9.1f %9.1f %9.1f %8.2f %8.1f", shape->steps, oclstm_engine_name(result->engine),
               result->device->index, result->seconds_min * 1e6, result->seconds_median * 1e6, result->seconds_max * 1e6,
               result->seconds_min * 1e6 / (double)shape->steps, flops(result) * 1e-9);
        print_share(flops(result), result->roofs.flops_per_second);
        if (!result->train) {
            printf(" %7.1f", bytes_per_second(result) * 1e-9);
            print_share(bytes_per_second(result), result->roofs.bytes_per_second);
        }
        putchar('\n');
    }
    fflush(stdout);
}

static json_t *roof(double per_second) { return per_second > 0.0 ? json_number(per_second * 1e-9) : json_null(); }

// What each of several devices did.
static json_t *shares_to_json(const bench_result *result) {
    json_t *list = json_array();
    for (size_t i = 0; i < result->shares && i < MAX_SHARES; i++) {
        const oclstm_share *share = &result->share[i];
        json_array_append_new(list, json_pack("{s:o, s:i, s:I, s:o, s:b, s:o}", "device", json_text(share->device->name),
                                              "device_index", share->device->index, "rows", (json_int_t)share->rows,
                                              "rows_per_second", json_number(share->rows_per_second), "is_out", share->is_out,
                                              "reason", json_text(share->reason)));
    }
    return list;
}

int bench_print_json(const bench_result *result) {
    const cli_shape *shape = &result->shape;
    json_t *entry = json_pack(
        "{s:I, s:I, s:I, s:I, s:s, s:s, s:b, s:b, s:o, s:o, s:i, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:o, s:s}", "batch",
        (json_int_t)shape->batch, "input", (json_int_t)shape->input, "hidden", (json_int_t)shape->hidden, "steps",
        (json_int_t)shape->steps, "dtype", oclstm_dtype_name(result->dtype), "engine", oclstm_engine_name(result->engine), "single",
        result->single, "train", result->train, "device", json_text(result->device->name), "platform",
        json_text(result->device->platform_name), "device_index", result->device->index, "calls", (json_int_t)result->calls,
        "seconds_min", result->seconds_min, "seconds_median", result->seconds_median, "seconds_p99", result->seconds_p99,
        "seconds_max", result->seconds_max, "microseconds_per_step", result->seconds_min * 1e6 / (double)shape->steps, "gflops",
        flops(result) * 1e-9, "gbytes_per_second", result->train ? json_null() : json_number(bytes_per_second(result) * 1e-9),
        "peak_gflops", roof(result->roofs.flops_per_second), "copy_gbytes_per_second", roof(result->roofs.bytes_per_second),
        "version", oclstm_version());
    if (result->shares > 0)
        json_object_set_new(entry, "shares", shares_to_json(result));
    const int code = json_print_line(entry);
    fflush(stdout);
    return code;
}

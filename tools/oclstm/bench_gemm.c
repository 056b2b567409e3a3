// SPDX-License-Identifier: Apache-2.0
// `oclstm bench --gemm`: products through CLBlast with its own parameters and with the device's settings. CLBlast cannot go back to its own, so
// those come first, for all products.
#include <inttypes.h>
#include <stdio.h>

#include "bench.h"
#include "choose_device.h"
#include "json_output.h"
#include "report.h"
#include "run_job.h"

static int measure(double *seconds, oclstm_device *device, oclstm_dtype dtype, const cli_product *product, bool tuned) {
    oclstm_error error;
    if (run_signal())
        return EXIT_SIGNAL + run_signal();
    const oclstm_status status =
        oclstm_device_measure_product(seconds, device, dtype, product->m, product->n, product->k, tuned, &error);
    if (status == OCLSTM_OK)
        return EXIT_DONE;
    report_error(&error);
    return exit_code_of(status);
}

static double gflops(const cli_product *product, double seconds) {
    return 2e-9 * (double)product->m * (double)product->n * (double)product->k / seconds;
}

static void print_header(const oclstm_device *device, const cli_options *options) {
    const oclstm_device_info *info = oclstm_device_get_info(device);
    if (options->json || options->quiet)
        return;
    printf("device %d: ", info->index);
    print_text(stdout, info->name);
    printf(" (");
    print_text(stdout, info->platform_name);
    printf("), %s, %s\n", oclstm_dtype_name(options->dtype), oclstm_device_get_tuning(device));
    printf("us of a product through CLBlast:\n    m     n     k       own     tuned   ratio  GFLOP/s own     tuned\n");
}

static int show(const oclstm_device *device, const cli_options *options, const cli_product *product, double own, double tuned) {
    if (options->json)
        return json_print_line(json_pack(
            "{s:I, s:I, s:I, s:s, s:o, s:f, s:f, s:f, s:f, s:f, s:s}", "m", (json_int_t)product->m, "n", (json_int_t)product->n,
            "k", (json_int_t)product->k, "dtype", oclstm_dtype_name(options->dtype), "device",
            json_text(oclstm_device_get_info(device)->name), "seconds_own", own, "seconds_tuned", tuned, "ratio", own / tuned,
            "gflops_own", gflops(product, own), "gflops_tuned", gflops(product, tuned), "version", oclstm_version()));
    printf("%5" PRId64 " %5" PRId64 " %5" PRId64 " %9.1f %9.1f %7.2f %12.1f %9.1f\n", product->m, product->n, product->k, own * 1e6,
           tuned * 1e6, own / tuned, gflops(product, own), gflops(product, tuned));
    return EXIT_DONE;
}

int bench_gemm(const cli_options *options) {
    double own[MAX_PRODUCTS], tuned;
    oclstm_device *device = NULL;
    int code = choose_device(&device, options);
    if (code == EXIT_DONE)
        print_header(device, options);
    for (int at = 0; at < options->product_count && code == EXIT_DONE; at++)
        code = measure(&own[at], device, options->dtype, &options->products[at], false);
    for (int at = 0; at < options->product_count && code == EXIT_DONE; at++) {
        code = measure(&tuned, device, options->dtype, &options->products[at], true);
        if (code == EXIT_DONE)
            code = show(device, options, &options->products[at], own[at], tuned);
        fflush(stdout);
    }
    oclstm_device_close(&device);
    return code;
}

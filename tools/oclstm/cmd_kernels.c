// SPDX-License-Identifier: Apache-2.0
// `oclstm kernels`: which of its parts, and the shorter ones.
#include "cmd_kernels.h"

#include <inttypes.h>
#include <stdio.h>

#include "choose_device.h"
#include "commands.h"
#include "kernels_report.h"
#include "report.h"
#include "run_job.h"

static int misuse(const char *text) {
    report("kernels: %s", text);
    fputs("Try 'oclstm kernels --help'.\n", stderr);
    return EXIT_MISUSE;
}

static int fail(const oclstm_error *error) {
    report_error(error);
    return exit_code_of(error->status);
}

int kernels_open_model(oclstm_tensors **model, oclstm_cell_entry *entry, const char *path, const cli_options *options) {
    oclstm_error error;
    if (oclstm_tensors_open(model, path, &error) != OCLSTM_OK ||
        oclstm_tensors_find_cell(*model, options->cell, entry, &error) != OCLSTM_OK)
        return fail(&error);
    return EXIT_DONE;
}

// --- clearing ---------------------------------------------------------------------------------------------------------

int kernels_clear(const cli_options *options) {
    oclstm_error error;
    size_t removed = 0;
    uint64_t bytes = 0;
    if (oclstm_kernels_clear(&removed, &bytes, &error) != OCLSTM_OK)
        return fail(&error);
    if (!options->quiet)
        printf("%zu file%s removed, %" PRIu64 " KiB\n", removed, removed == 1 ? "" : "s", (bytes + 1023) / 1024);
    return EXIT_DONE;
}

// --- warming up -------------------------------------------------------------------------------------------------------

// Steps of the calls to prepare for. Kernels do not depend on it; which device a shape runs on does, where none is named.
static const int64_t warm_steps = 100;

static int prepare(oclstm_device *device, const oclstm_tensors *model, const oclstm_cell_entry *entry, int64_t batch,
                   const cli_options *options) {
    oclstm_error error;
    oclstm_cell *cell = NULL;
    const double begin = run_clock();
    oclstm_status status = oclstm_cell_load(&cell, device, model, options->cell,
                                            OCLSTM_CELL(.dtype = options->dtype, .engine = options->engine), &error);
    if (status == OCLSTM_OK)
        status = oclstm_cell_prepare(cell, batch, warm_steps, &error);
    oclstm_cell_destroy(&cell);
    if (status != OCLSTM_OK)
        return fail(&error);
    if (!options->quiet)
        report("kernels: cell '%s' is ready for batch %" PRId64 " in %s on %s after %.2f s", entry->name, batch,
               oclstm_dtype_name(options->dtype), oclstm_device_get_info(device)->name, run_clock() - begin);
    report_kernels(device, options);
    return EXIT_DONE;
}

int kernels_warm(const cli_options *options) {
    oclstm_tensors *model = NULL;
    oclstm_cell_entry entry;
    oclstm_device *device = NULL;
    const int64_t batch = options->batch > 0 ? options->batch : 1;
    int code = kernels_open_model(&model, &entry, options->warm, options);
    if (code == EXIT_DONE)
        code = choose_device_for(&device, options, &(cli_shape){batch, entry.input_size, entry.hidden_size, warm_steps});
    if (code == EXIT_DONE)
        code = prepare(device, model, &entry, batch, options);
    oclstm_device_close(&device);
    oclstm_tensors_close(&model);
    return code;
}

// --- which part -------------------------------------------------------------------------------------------------------

int cmd_kernels(const cli_options *options) {
    const int asked = options->list + options->clear + (options->warm != NULL) + (options->export != NULL);
    if (asked != 1)
        return misuse(asked == 0 ? "one of --list, --clear, --warm MODEL and --export DIR is needed"
                                 : "only one of --list, --clear, --warm MODEL and --export DIR is possible");
    if (options->operand_count > 0 && !options->export)
        return misuse("MODEL as an operand belongs to --export DIR [MODEL]");
    if (options->binaries && !options->export)
        return misuse("--binaries belongs to --export");
    if (options->json && !options->list)
        return misuse("--json belongs to --list");
    if (options->list)
        return kernels_list(options);
    if (options->clear)
        return kernels_clear(options);
    return options->warm ? kernels_warm(options) : kernels_export(options);
}

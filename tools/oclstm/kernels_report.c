// SPDX-License-Identifier: Apache-2.0
#include "kernels_report.h"

#include "report.h"

void report_kernels(oclstm_device *device, const cli_options *options) {
    oclstm_kernel_counts counts;
    char note[1024];
    if (!options->verbose || !device || oclstm_kernels_count(&counts, device, note, sizeof note, NULL) != OCLSTM_OK)
        return;
    report("kernels: %zu program%s built from source, %zu of them kept, %zu from the disk cache, %zu compiled offline%s%s",
           counts.from_source, counts.from_source == 1 ? "" : "s", counts.kept, counts.from_cache, counts.from_folder,
           *note ? "; " : "", note);
}

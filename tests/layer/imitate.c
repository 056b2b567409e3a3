// SPDX-License-Identifier: Apache-2.0
// Devices that are not here: an OpenCL layer that makes the devices below it look and behave like others.
#include "imitate.h"

#include <stdio.h>
#include <unistd.h>

const char *const layer_name = "oclstm_imitate";

void imitate_stop(const char *message, const char *text) {
    enum { EXIT_CODE = 70 }; // none of the program's own
    fprintf(stderr, "oclstm_imitate: %s%s\n", message, text);
    _exit(EXIT_CODE);
}

void layer_install(struct _cl_icd_dispatch *table) {
    imitate_read_keys();
    imitate_open_log();
    imitate_places_install(table);
    imitate_answers_install(table);
    imitate_programs_install(table);
    imitate_launches_install(table);
    imitate_versions_install(table);
}

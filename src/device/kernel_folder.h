// SPDX-License-Identifier: Apache-2.0
// The folder of kernels compiled offline: NAME.bin in the driver's own format or NAME.spv, NAME being program_text_name(). One for the process.
#ifndef OCLSTM_DEVICE_KERNEL_FOLDER_H
#define OCLSTM_DEVICE_KERNEL_FOLDER_H

#include <stdbool.h>

// A copy of its path, to be freed; "" for none. NULL only when there is no memory.
char *kernel_folder_copy(void);

// Is one set that holds at least one compiled kernel?
bool kernel_folder_has_kernels(void);

#endif

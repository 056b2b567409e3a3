// SPDX-License-Identifier: Apache-2.0
#include "model/zip_file.h"

#include "base/error.h"

// What an archive may unfold to. PyTorch stores its entries as they are; numpy.savez_compressed packs them, arrays of zeros a thousand times.
#define MOST_UNFOLDED(size_bytes) (64 * (size_bytes) + ((size_t)1 << 20))

oclstm_status model_zip_parse(oclstm_tensors *file, oclstm_error *error) {
    zip_archive *zip = NULL;
    const size_t most_bytes = file->size_bytes < SIZE_MAX / 128 ? MOST_UNFOLDED(file->size_bytes) : SIZE_MAX;
    oclstm_status status = zip_archive_open(&zip, file, most_bytes, error);
    if (status != OCLSTM_OK)
        return status;
    const bool is_torch = model_zip_is_torch(zip);
    file->format = is_torch ? "torch" : "npz";
    status = is_torch ? model_torch_zip_parse(file, zip, error) : model_npz_parse(file, zip, error);
    zip_archive_close(&zip);
    return status;
}

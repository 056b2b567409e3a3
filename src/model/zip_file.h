// SPDX-License-Identifier: Apache-2.0
// The two kinds of zip archives that hold tensors.
#ifndef OCLSTM_MODEL_ZIP_FILE_H
#define OCLSTM_MODEL_ZIP_FILE_H

#include "model/zip_archive.h"

// PyTorch's: has it an entry that ends in /data.pkl?
bool model_zip_is_torch(const zip_archive *zip);
oclstm_status model_torch_zip_parse(oclstm_tensors *file, zip_archive *zip, oclstm_error *error);

// NumPy's: every entry is NAME.npy.
oclstm_status model_npz_parse(oclstm_tensors *file, zip_archive *zip, oclstm_error *error);

#endif

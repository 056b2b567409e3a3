// SPDX-License-Identifier: Apache-2.0
// A zip archive in memory, through libzip.
#ifndef OCLSTM_MODEL_ZIP_ARCHIVE_H
#define OCLSTM_MODEL_ZIP_ARCHIVE_H

#include "model/tensors_file.h"

typedef struct zip_archive zip_archive;

// Opens the archive that the file's mapping holds. Refuses an entry that is encrypted, or whose name is absolute or has a part "..", and entries that
// together would unfold to more than `most_bytes`.
oclstm_status zip_archive_open(zip_archive **out, const oclstm_tensors *file, size_t most_bytes, oclstm_error *error);
void zip_archive_close(zip_archive **archive);

// May an entry have this name? Not an absolute one, and none that leads out of the folder that an archive is unpacked to.
bool zip_name_is_plain(const char *name);

size_t zip_archive_count(const zip_archive *archive);
// The name of an entry; valid until the archive is closed.
const char *zip_archive_name(const zip_archive *archive, size_t entry);
// The entry of that name, or the count where there is none.
size_t zip_archive_find(const zip_archive *archive, const char *name);
// The bytes of an entry, unpacked at the first call and kept until the archive is closed. Its checksum is held against them.
oclstm_status zip_archive_bytes(zip_archive *archive, size_t entry, const unsigned char **bytes, size_t *size_bytes,
                                oclstm_error *error);

#endif

// SPDX-License-Identifier: Apache-2.0
// madvise(), not posix_madvise(): glibc ignores POSIX_MADV_DONTNEED.
#define _DEFAULT_SOURCE

#include "model/page_drop.h"

#include <sys/mman.h>
#include <unistd.h>

#define GATHER_BYTES ((size_t)32 << 20)

// One fault maps up to this much around it where the file is cached (Linux: fault_around_bytes).
#define FAULT_AROUND_BYTES ((size_t)64 << 10)

static void drop_span(page_drop *drop) {
    long page_size = sysconf(_SC_PAGESIZE);
    size_t page_bytes = page_size > 0 ? (size_t)page_size : 4096;
    size_t begin = drop->low > FAULT_AROUND_BYTES ? drop->low - FAULT_AROUND_BYTES : 0;
    size_t end = drop->map_bytes - drop->high > FAULT_AROUND_BYTES ? drop->high + FAULT_AROUND_BYTES : drop->map_bytes;
    begin -= begin % page_bytes;
    // Only advice: should it fail, the file is read all the same. Pages at the rim that others use come back by themselves.
    (void)madvise(drop->map + begin, end - begin, MADV_DONTNEED);
    drop->low = drop->high = drop->charge_bytes = 0;
}

void model_page_drop_touch(page_drop *drop, size_t offset, size_t bytes) {
    if (!drop->enabled || bytes == 0)
        return;
    if (drop->charge_bytes == 0 || offset < drop->low)
        drop->low = offset;
    if (offset + bytes > drop->high)
        drop->high = offset + bytes;
    drop->charge_bytes += bytes + FAULT_AROUND_BYTES;
    // Many small touches close together: the span is the better bound.
    if (drop->charge_bytes >= GATHER_BYTES && drop->high - drop->low >= GATHER_BYTES / 2)
        drop_span(drop);
}

void model_page_drop_finish(page_drop *drop) {
    if (drop->enabled && drop->charge_bytes > 0)
        drop_span(drop);
}

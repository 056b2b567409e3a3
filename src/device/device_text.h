// SPDX-License-Identifier: Apache-2.0
// Texts of drivers, as they may be shown: in a table, a JSON document, a file name's hash.
#ifndef OCLSTM_DEVICE_DEVICE_TEXT_H
#define OCLSTM_DEVICE_DEVICE_TEXT_H

#include <stddef.h>

// Copies a driver's text as one line of valid UTF-8: without surrounding blanks, and with '?' for each control character and each byte
// that is no UTF-8. Cut between characters where it is longer than dst[capacity]. capacity >= 1.
void device_text_copy(char *dst, size_t capacity, const char *src);

#endif

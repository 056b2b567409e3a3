// SPDX-License-Identifier: Apache-2.0
#include "device/device_text.h"

#include <stdint.h>
#include <string.h>

static int is_blank(unsigned char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

// The bytes of the character at the beginning of text[length], or 0 where there is none that may be shown.
static size_t character_bytes(const unsigned char *text, size_t length) {
    const unsigned char first = text[0];
    const size_t bytes = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    // The least code point of each length: a shorter form exists for those below.
    static const uint32_t least[] = {0, 0x20, 0xA0, 0x800, 0x10000};
    uint32_t code = bytes == 1 ? first : first & (0x7Fu >> bytes);
    if ((first >= 0x80 && first < 0xC2) || first > 0xF4 || bytes > length)
        return 0;
    for (size_t at = 1; at < bytes; at++) {
        if ((text[at] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (text[at] & 0x3F);
    }
    const int is_surrogate = code >= 0xD800 && code < 0xE000;
    return code < least[bytes] || code == 0x7F || is_surrogate || code > 0x10FFFF ? 0 : bytes;
}

// The bytes to pass over at a place that is no character: two for a C1 control character, which is well-formed.
static size_t hidden_bytes(const unsigned char *text, size_t length) {
    return length > 1 && text[0] == 0xC2 && (text[1] & 0xC0) == 0x80 ? 2 : 1;
}

void device_text_copy(char *dst, size_t capacity, const char *src) {
    const unsigned char *from = (const unsigned char *)src;
    while (is_blank(*from))
        from++;
    size_t length = strlen((const char *)from), used = 0;
    while (length > 0 && is_blank(from[length - 1]))
        length--;
    while (length > 0) {
        const size_t shown = character_bytes(from, length), taken = shown ? shown : hidden_bytes(from, length);
        if (used + (shown ? shown : 1) >= capacity)
            break;
        if (shown)
            memcpy(dst + used, from, shown);
        else
            dst[used] = '?';
        used += shown ? shown : 1;
        from += taken;
        length -= taken;
    }
    dst[used] = '\0';
}

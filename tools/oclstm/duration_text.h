// SPDX-License-Identifier: Apache-2.0
// Times in messages.
#ifndef OCLSTM_TOOL_DURATION_TEXT_H
#define OCLSTM_TOOL_DURATION_TEXT_H

// A time with three or four digits and a unit that suits it, "117.4 us". Returns the text.
const char *duration_text(char text[32], double seconds);

#endif

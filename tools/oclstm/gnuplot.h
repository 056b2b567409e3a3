// SPDX-License-Identifier: Apache-2.0
// Drawing by the program gnuplot, as a child process without a shell: the script on its standard input, the picture from its
// standard output.
#ifndef OCLSTM_TOOL_GNUPLOT_H
#define OCLSTM_TOOL_GNUPLOT_H

#include <stdio.h>

// EXIT_DONE, or EXIT_FAILED with the fault said: what to install.
int gnuplot_check(void);

// Draws what the script, a file open for reading and writing, says into the open file `picture`. EXIT_DONE, or EXIT_FAILED with gnuplot's
// own words said.
int gnuplot_draw(FILE *script, int picture);

// Writes text as a gnuplot string: in quotes, and nothing in it is expanded.
void gnuplot_put_string(FILE *script, const char *text);

#endif

/* Which characters a terminal can show, beyond what the locale says. */
#ifndef DAVIDNET_TUI_GLYPHS_H
#define DAVIDNET_TUI_GLYPHS_H

/*
 * 1: a terminal of that name (TERM) takes UTF-8 and shows boxes in place of braille: the consoles of kernels, whose
 * fonts have 256 or 512 characters (console_codes(4), setfont(8)).
 */
int glyphs_are_few(const char *term);

#endif

#include "tui/keys.h"

#include "views/utf8.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    int key;
} names[] = {
    {"Tab", KEYS_TAB},
    {"S-Tab", KEYS_SHIFT_TAB},
    {"Enter", KEYS_ENTER},
    {"Esc", KEYS_ESC},
    {"Space", ' '},
    {"Up", KEYS_UP},
    {"Down", KEYS_DOWN},
    {"Left", KEYS_LEFT},
    {"Right", KEYS_RIGHT},
    {"Home", KEYS_HOME},
    {"End", KEYS_END},
    {"PgUp", KEYS_PAGE_UP},
    {"PgDn", KEYS_PAGE_DOWN},
    {"Delete", KEYS_DELETE},
    {"Backspace", KEYS_BACKSPACE},
    {"F1", KEYS_F1},
};

int keys_parse(const char *name)
{
    int32_t code;
    if (!*name)
        return KEYS_NONE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(name, names[i].name) == 0)
            return names[i].key;
    if (strncasecmp(name, "Ctrl-", 5) == 0 && isalpha((unsigned char)name[5]) && !name[6])
        return KEYS_CTRL(name[5]);
    int length = utf8_decode(name, &code);
    return code > 0 && !name[length] ? code : KEYS_NONE;
}

const char *keys_name(int key, char *out, size_t size)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].key == key)
            return names[i].name;
    if (key > 0 && key < 32)
        snprintf(out, size, "Ctrl-%c", key + 64);
    else if (key < 128)
        snprintf(out, size, "%c", key);
    else if (key < 0x800)
        snprintf(out, size, "%c%c", 0xC0 | key >> 6, 0x80 | (key & 63));
    else if (key < 0x10000)
        snprintf(out, size, "%c%c%c", 0xE0 | key >> 12, 0x80 | (key >> 6 & 63), 0x80 | (key & 63));
    else if (key < 0x110000)
        snprintf(out, size, "%c%c%c%c", 0xF0 | key >> 18, 0x80 | (key >> 12 & 63), 0x80 | (key >> 6 & 63),
                 0x80 | (key & 63));
    else
        snprintf(out, size, "?");
    return out;
}

int keys_edit(struct line_edit *edit, int key)
{
    static const struct {
        int key;
        void (*act)(struct line_edit *edit);
    } acts[] = {
        {KEYS_HOME, line_edit_home},
        {KEYS_CTRL('A'), line_edit_home},
        {KEYS_END, line_edit_end},
        {KEYS_CTRL('E'), line_edit_end},
        {KEYS_BACKSPACE, line_edit_backspace},
        {KEYS_DELETE, line_edit_delete},
        {KEYS_CTRL('W'), line_edit_delete_word},
        {KEYS_CTRL('U'), line_edit_delete_before},
        {KEYS_CTRL('K'), line_edit_delete_after},
    };
    if (key == KEYS_LEFT || key == KEYS_RIGHT) {
        line_edit_move(edit, key == KEYS_LEFT ? -1 : 1);
        return 1;
    }
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (acts[i].key == key) {
            acts[i].act(edit);
            return 1;
        }
    }
    return line_edit_insert(edit, key);
}

/*
 * The knob table, alone in its object file: the linker takes it from the library only where nobody else has a table, so
 * a test may have its own.
 */
#include "engine/knob_table_body.h"

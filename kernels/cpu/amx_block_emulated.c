#include "kernels/cpu/amx_tile_emulated.h"

#define AMX_BLOCK_NAME amx_block_emulated
#include "kernels/cpu/amx_block_body.h"

/* The tile loop on AMX itself. */
#include "kernels/cpu/amx_kernels.h"

#if defined(__x86_64__)

#include "kernels/amx_tile.h"

#define AMX_BLOCK_NAME amx_block_amx
#include "kernels/cpu/amx_block_body.h"

#endif

/*
 * What knobs and tricks make of a network: each is a small function on its lines or on its nodes, a row of one table
 * (engine/network_rewrite.c), carried out in table order by network_build. A rewrite that finds nothing to change is
 * an error that says so: a knob that is set and does nothing would be a wrong answer to "does it help?".
 */
#ifndef DAVIDNET_ENGINE_NETWORK_REWRITE_H
#define DAVIDNET_ENGINE_NETWORK_REWRITE_H

#include "engine/network_text.h"

/*
 * The knob `branches`: L1, L2 ... are the network's lines of kind block, res_block and group, in order.
 *
 *     residual:L1+L3   these become res_block, the others block
 *     extra:L1+L2+L3   these become group, with one more convolution, the others block
 *     none             all become block
 *     (empty)          they stay as written
 */
int network_rewrite_lines(const struct recipe *recipe, struct network_line *lines, int n, struct error *err);

/* The others, on a network that is complete: its `out` are no longer right, to be found anew by lowering it. */
int network_rewrite_nodes(const struct recipe *recipe, struct network *network, struct error *err);

/*
 * Takes out every node of an op that goes, for studies of what they cost: who read it reads what it read. Only for ops
 * with one input whose output has its shape (norm and act). Returns how many went.
 */
int network_remove(struct network *network, const bool goes[PLAN_OP_COUNT]);

#endif

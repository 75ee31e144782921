/* How many of a convolution's multiplications an implementation really does, by the name that it goes under. */
#ifndef DAVIDNET_KERNELS_WORK_H
#define DAVIDNET_KERNELS_WORK_H

/*
 * The share, of what plan_row_forward_flops and plan_row_backward_flops count, that a step with program_step.impl does
 * at least: 1 of a direct method; 1/4 of Winograd's F(4x4, 3x3), own:winograd and oneDNN's jit_wino_4x3, which
 * multiplies 36 times for 16 outputs instead of 144 (Lavin & Gray, arXiv:1509.09308; additions are not counted). Two
 * names joined with "+" are the two passes of a backward step, half of its operations each. NaN: another method of
 * Winograd's, an FFT, or cuDNN, which does not say.
 */
double work_share(const char *impl);

#endif

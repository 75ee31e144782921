/*
 * While a recording is made (cuda_recording_new), the emulator is as strict as a GPU: nothing is done, what may not be
 * recorded stops the program, and so does a kernel or a convolution that has never run before.
 */
#ifndef DAVIDNET_KERNELS_CUDA_EMULATOR_RECORDING_H
#define DAVIDNET_KERNELS_CUDA_EMULATOR_RECORDING_H

#include <stdbool.h>

extern bool emulator_recording;

#endif

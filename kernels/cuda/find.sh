#!/bin/sh
# kernels/cuda/find.sh [why]: where nvcc, CUDA and cuDNN 9 are, as make variables on one line; nothing when one of them
# is missing, and with `why` a sentence that says which. NVCC, CUDA_HOME, CUDNN_HOME and PYTHON are asked first.
#   toolkit folder: include/cudnn.h and lib64 or lib;  Debian and NVIDIA packages: /usr;  Python wheels:
#   site-packages/nvidia/cudnn (nvidia-cudnn-cu12, nvidia-cudnn-cu13)
set -u
why() {
    [ "${ask-}" = why ] && echo "$1"
    exit 0
}
ask=${1-}

nvcc=${NVCC-}
for each in "${CUDA_HOME-}/bin/nvcc" "$(command -v nvcc 2>/dev/null)" /usr/local/cuda/bin/nvcc /opt/cuda/bin/nvcc; do
    [ -z "$nvcc" ] && [ -x "$each" ] && nvcc=$each
done
[ -n "$nvcc" ] && [ -x "$nvcc" ] || why "nvcc (the CUDA toolkit) is missing; Debian: nvidia-cuda-toolkit; or set CUDA_HOME"
home=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
[ -e "$home/include/cuda_runtime_api.h" ] || home=/usr
[ -e "$home/include/cuda_runtime_api.h" ] || why "the headers of CUDA's runtime are missing beside $nvcc"

# A folder that has include/ and a library folder with what we need, or nothing.
cudnn=
look() {
    [ -z "$cudnn" ] && [ -n "$1" ] && [ -e "$1/include/cudnn_graph.h" ] || return 0
    for lib in "$1/lib64" "$1/lib" "$1/lib/$(uname -m)-linux-gnu"; do
        [ -e "$lib/libcudnn.so.9" ] && cudnn=$1 && cudnn_lib=$lib && return 0
    done
}
look "${CUDNN_HOME-}"
look "$home"
look /usr
if [ -z "$cudnn" ]; then
    for python in "${PYTHON-}" python3 python; do
        command -v "${python:-none}" >/dev/null 2>&1 || continue
        look "$("$python" -c 'import nvidia.cudnn as c; print(list(c.__path__)[0])' 2>/dev/null)"
        [ -n "$cudnn" ] && break
    done
fi
[ -n "$cudnn" ] || why "cuDNN 9 is missing; Debian: nvidia-cudnn; NVIDIA: libcudnn9-dev-cuda-13; pip: nvidia-cudnn-cu13; or set CUDNN_HOME"
[ "$ask" = why ] && exit 0

version=$("$nvcc" --version | sed -n 's/.*release \([0-9]*\)\.\([0-9]*\).*/\1 \2/p')
echo "NVCC=$nvcc CUDA_INCLUDE=$home/include CUDNN_INCLUDE=$cudnn/include CUDNN_LIB=$cudnn_lib CUDA_MAJOR=${version% *}"

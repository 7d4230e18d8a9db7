// SIGILLO_HD marks a function that the host, the CUDA device and the emulator run from the same
// source.
//
// Such functions are small, pure, and use integers and single IEEE operations only. They are forced
// inline, so that a copy which the emulator compiles with instrumentation is never merged with one
// that was compiled without.
#pragma once

#if defined(__CUDACC__)
#define SIGILLO_HD __host__ __device__ __forceinline__
#else
#define SIGILLO_HD [[gnu::always_inline]] inline
#endif

#ifndef CMALLOC_SHIM_H
#define CMALLOC_SHIM_H

/* mallopt(3), which the toolchain's module of the C library leaves out. */
#include <malloc.h>

#endif

//go:build linux && !cgo

#include "textflag.h"

// puts jumps to libc's puts. Nothing calls it: to run libc's code, a program without cgo must first set a C thread up,
// as purego does. To be linked to libc, a reference is enough.
TEXT ·puts(SB), NOSPLIT, $0-0
	JMP libc_puts(SB)

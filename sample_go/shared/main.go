// Shared exports one function to C.
//
// Its image with -buildmode=c-shared: a shared library, dynamic, in external link mode, position independent; with
// -buildmode=c-archive: an archive, which has no linkage.
package main

import "C"

//export GolinkAnswer
func GolinkAnswer() C.int {
	return 42
}

func main() {}

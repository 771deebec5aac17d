//go:build linux && !cgo

// Importdynamic imports a libc symbol without cgo, as purego does.
//
// Its image: with CGO_ENABLED=0 it is dynamic all the same, with an interpreter, DT_NEEDED libc.so.6 and an undefined
// symbol puts that has no version; runtime/cgo is not linked in.
package main

import "fmt"

//go:cgo_import_dynamic libc_puts puts "libc.so.6"
//go:cgo_import_dynamic _ _ "libc.so.6"

func puts()

// A reference that the linker must keep.
var imported = puts

func main() {
	fmt.Println("importdynamic: hello", imported != nil)
}

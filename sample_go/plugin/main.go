// Plugin opens a Go plugin by name.
//
// Its image: package plugin calls dlopen through cgo, so the link is external and dynamic. With cgo off the same
// source builds, and plugin.Open always fails.
package main

import (
	"fmt"
	"plugin"
)

func main() {
	_, err := plugin.Open("golink.so")
	fmt.Println("plugin: opened:", err == nil)
}

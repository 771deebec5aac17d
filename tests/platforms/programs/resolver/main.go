// Resolver holds the code that looks up names and users, and calls it only when it is given an argument.
package main

import (
	"net"
	"os"
	"os/user"
)

func main() {
	if len(os.Args) > 1 {
		net.LookupHost(os.Args[1])
		user.Lookup(os.Args[1])
	}
	os.Stdout.WriteString("started\n")
}

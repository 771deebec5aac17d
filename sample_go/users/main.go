// Users looks up the current user and its groups.
//
// Its image: with cgo on, libc's getpwuid_r, getgrgid_r and getgrouplist; with cgo off or -tags osusergo, Go's own
// reader of /etc/passwd and /etc/group. Linked statically against glibc it carries the getpwnam_r family of warnings.
package main

import (
	"fmt"
	"os"
	"os/user"
)

func main() {
	current, err := user.Current()
	if err != nil {
		fmt.Println("users:", err)
		os.Exit(1)
	}
	named, err := user.Lookup(current.Username)
	if err != nil {
		fmt.Println("users:", err)
		os.Exit(1)
	}
	groups, err := named.GroupIds()
	if err != nil {
		fmt.Println("users:", err)
		os.Exit(1)
	}
	group, err := user.LookupGroupId(named.Gid)
	if err != nil {
		fmt.Println("users:", err)
		os.Exit(1)
	}
	fmt.Println("users:", named.Uid, group.Gid, len(groups) > 0)
}

//go:build !unix

package main

import "os"

// terminalSize does not know the size here, so that nothing is paged.
func terminalSize(*os.File) (rows, columns int) { return 0, 0 }

// Members prints all members of the workspace. Credentials and URL come from the environment.
package main

import (
	"context"
	"fmt"
	"log"

	"kaleidoscope.bio/kaleidoscope"
)

func main() {
	client, err := kaleidoscope.Open(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	members, err := client.Workspace().Members(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, member := range members {
		fmt.Printf("%s <%s>\n", kaleidoscope.Text(member.FullName), kaleidoscope.Text(member.Email))
	}
}

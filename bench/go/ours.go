package main

import (
	"context"

	"kaleidoscope.bio/kaleidoscope"
)

func openOurs() (members, error) {
	client, err := kaleidoscope.Open(nil)
	if err != nil {
		return nil, err
	}
	return func() (int, error) {
		found, err := client.Workspace().Members(context.Background())
		return len(found), err
	}, nil
}

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
)

// member has the fields that the library's Member has.
type member struct {
	ID            string  `json:"id"`
	FullName      *string `json:"full_name"`
	PreferredName *string `json:"preferred_name"`
	AccessLevel   *string `json:"access_level"`
	Email         *string `json:"email"`
}

// openPlain returns a client such as one writes in an hour: it keeps the token and the connections, and requests the members at every
// call.
func openPlain() (members, error) {
	base := os.Getenv("KALEIDOSCOPE_API_URL")
	// As many requests at once as the library makes by default.
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 64, MaxIdleConnsPerHost: 64}}
	answer, err := client.PostForm(base+"/auth/oauth/token", url.Values{
		"grant_type":    {"client_credentials"},
		"client_id":     {os.Getenv("KALEIDOSCOPE_API_CLIENT_ID")},
		"client_secret": {os.Getenv("KALEIDOSCOPE_API_CLIENT_SECRET")},
	})
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := decode(answer, err, &token); err != nil {
		return nil, err
	}
	return func() (int, error) {
		request, err := http.NewRequest(http.MethodGet, base+"/workspaces/members", nil)
		if err != nil {
			return 0, err
		}
		request.Header.Set("X-Kal-Authorization", "Bearer "+token.AccessToken)
		var found []member
		answer, err := client.Do(request)
		err = decode(answer, err, &found)
		return len(found), err
	}, nil
}

func decode(answer *http.Response, err error, into any) error {
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.Request.URL, answer.Status)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

package magento

import (
	"encoding/json"
	"net/url"
	"os"
	"regexp"
	"testing"
)

// TestSignatures holds ours against those that the code of Magento 2.4.7-p6 and of 2.4.8-p1 computes alike.
func TestSignatures(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/oauth/oauth1-hmac-sha256.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Method string `json:"method"`
		URL    string `json:"url"`
		Params struct {
			ConsumerKey string      `json:"oauth_consumer_key"`
			Nonce       string      `json:"oauth_nonce"`
			Timestamp   json.Number `json:"oauth_timestamp"`
			Token       string      `json:"oauth_token"`
			Verifier    string      `json:"oauth_verifier"`
		} `json:"params"`
		ConsumerSecret string `json:"consumer_secret"`
		TokenSecret    string `json:"token_secret"`
		Signature      string `json:"signature"`
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) != 4 {
		t.Fatalf("%d vectors: %v", len(vectors), err)
	}
	signature := regexp.MustCompile(`oauth_signature="([^"]*)"`)
	for _, v := range vectors {
		address, err := url.Parse(v.URL)
		if err != nil {
			t.Fatal(err)
		}
		keys := Keys{v.Params.ConsumerKey, v.ConsumerSecret, v.Params.Token, v.TokenSecret}
		var more []pair
		if v.Params.Verifier != "" {
			more = append(more, pair{"oauth_verifier", v.Params.Verifier})
		}
		header, err := keys.signed(v.Method, address, "https", v.Params.Nonce, v.Params.Timestamp.String(), more...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := url.QueryUnescape(signature.FindStringSubmatch(header)[1])
		if err != nil || got != v.Signature {
			t.Errorf("%s %s: %s, want %s (%v)", v.Method, v.URL, got, v.Signature, err)
		}
	}
}

func TestSignedHost(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://Shop.Example:443/x": "shop.example", "https://shop.example:80/x": "shop.example:80", "http://shop.example:80/x": "shop.example",
		"https://shop.example:8443/x": "shop.example:8443",
	} {
		address, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := host(address, address.Scheme); got != want {
			t.Errorf("%s is signed as %s, want %s", text, got, want)
		}
	}
	if got := encode("a b+c~d=é"); got != "a%20b%2Bc~d%3D%C3%A9" {
		t.Errorf("encoded as %s", got)
	}
}

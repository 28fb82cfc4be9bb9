package adapters_test

import (
	"testing"

	"upline.dev/upline/adapters"
)

func TestSite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://Shop.Example.com/":        "shop.example.com",
		"http://shop.example.com":          "shop.example.com",
		"shop.example.com/de/":             "shop.example.com/de",
		"https://shop.example.com:443":     "shop.example.com",
		"http://127.0.0.1:8089/":           "127.0.0.1:8089",
		"https://shop.example.com/De":      "shop.example.com/De",
		"https://staging.shop.example.com": "staging.shop.example.com",
		"https://shop.example.com.":        "shop.example.com",
		"":                                 "",
		"https://user:pw@shop.example.com": "",
		"javascript:alert(1)":              "",
		"https://shop.example.com/?x=1":    "",
	} {
		if got := adapters.Site(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// FuzzSite promises: no panic, and that the form in which sites are compared is stable.
func FuzzSite(f *testing.F) {
	for _, site := range []string{"https://Shop.example.com/", "http://shop.example.com:80/de/", "shop.example.com:8443", "https://user@shop.example.com", "https://[::1]:8080/x", "ftp://x"} {
		f.Add(site)
	}
	f.Fuzz(func(t *testing.T, text string) {
		site := adapters.Site(text)
		if site != "" && adapters.Site(site) != site {
			t.Fatalf("%q becomes %q and then %q", text, site, adapters.Site(site))
		}
	})
}

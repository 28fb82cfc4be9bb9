package admin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/png"
	"strings"
	"testing"
)

func picture(t *testing.T, side int) string {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

func TestBranding(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ accent, logo, want string }{
		"nothing":            {},
		"a colour":           {accent: "#2f7dd1"},
		"white":              {accent: "#ffffff", want: "light pages by 1.0"},
		"navy":               {accent: "#14234f", want: "dark pages"},
		"no colour":          {accent: "red", want: "#1a2b3c"},
		"a picture":          {logo: "data:image/png;base64," + picture(t, 64)},
		"too wide":           {logo: "data:image/png;base64," + picture(t, 2001), want: "2001 x 2001"},
		"one calling itself": {logo: "data:image/jpeg;base64," + picture(t, 8), want: "no JPEG"},
		"a drawing":          {logo: "data:image/svg+xml;base64,PHN2Zz48c2NyaXB0Lz48L3N2Zz4=", want: "PNG, JPEG or WebP"},
		"an address":         {logo: "https://example.com/x.png", want: "PNG, JPEG or WebP"},
		"too large":          {logo: "data:image/webp;base64," + strings.Repeat("AAAA", maxLogoBytes/3+1), want: "at most 40 kB"},
		"no WebP":            {logo: "data:image/webp;base64,AAAA", want: "no WebP"},
	} {
		value, err := json.Marshal(branding{Name: "Acme", Accent: test.accent, LogoURL: test.logo})
		if err != nil {
			t.Fatal(err)
		}
		err = checkBranding(value)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
	}
	if ratio := contrast("#000000", "#ffffff"); ratio < 20.99 || ratio > 21.01 {
		t.Errorf("black on white: %v, want 21", ratio)
	}
}

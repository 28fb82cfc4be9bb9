package httpapi

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOwnWords: every language says everything, with the same places; and what the merchant's screens say, too, is said alike.
func TestOwnWords(t *testing.T) {
	t.Parallel()
	places := regexp.MustCompile(`\{\w+\}`)
	english := ownTongues[0]
	for _, tongue := range ownTongues {
		text, err := os.ReadFile("../../shopify-app/ui/text/" + tongue.Tag + ".json")
		if err != nil {
			t.Fatal(err)
		}
		screens := map[string]any{}
		if err := json.Unmarshal(text, &screens); err != nil {
			t.Fatal(err)
		}
		if len(tongue.words) != len(english.words) || len(tongue.months) != 12 {
			t.Errorf("%s: %d sentences and %d months, want %d and 12", tongue.Tag, len(tongue.words), len(tongue.months), len(english.words))
		}
		for key, want := range english.words {
			said := tongue.words[key]
			if said == "" {
				t.Errorf("%s does not say %q", tongue.Tag, key)
			}
			a, b := places.FindAllString(want, -1), places.FindAllString(said, -1)
			slices.Sort(a)
			slices.Sort(b)
			if key != "date" && !slices.Equal(a, b) {
				t.Errorf("%s, %q: places %v, want %v", tongue.Tag, key, b, a)
			}
			if shown, shared := screens[key]; shared && strings.Contains(key, ".") && shown != said {
				t.Errorf("%s, %q: %q, and on the screens %q", tongue.Tag, key, said, shown)
			}
		}
		// Whatever key the page asks for is there.
		for _, used := range regexp.MustCompile(`Say "([\w.]+)"`).FindAllStringSubmatch(ownHTML, -1) {
			if tongue.words[used[1]] == "" {
				t.Errorf("%s does not say %q, which the page asks for", tongue.Tag, used[1])
			}
		}
	}
}

// TestOwnFigures: all digits of an amount stay, however many decimals its currency has.
func TestOwnFigures(t *testing.T) {
	t.Parallel()
	for _, c := range [][]string{ // tag, text, currency, want
		{"en", "1234567.89", "USD", "1,234,567.89\u00a0USD"},
		{"en", "-0.05", "USD", "-0.05\u00a0USD"},
		{"de", "1234.50", "EUR", "1.234,50\u00a0EUR"},
		{"es", "1234.50", "EUR", "1234,50\u00a0EUR"},
		{"es", "12345.50", "EUR", "12.345,50\u00a0EUR"},
		{"pt", "999.00", "BRL", "999,00\u00a0BRL"},
		{"ja", "-1234567", "JPY", "-1,234,567\u00a0JPY"},
		{"ar", "1234.567", "KWD", "1,234.567\u00a0KWD"},
		{"ar", "92233720368547758.07", "USD", "92,233,720,368,547,758.07\u00a0USD"},
		{"de", "nonsense", "EUR", "nonsense\u00a0EUR"},
	} {
		if got := tongueNamed(c[0]).Money(c[1], c[2]); got != c[3] {
			t.Errorf("%s in %s: %q, want %q", c[1], c[0], got, c[3])
		}
	}
	for tag, want := range map[string]string{
		"en": "5 Mar 2026", "de": "5. März 2026", "es": "5 mar 2026", "pt": "5 de mar. de 2026", "ja": "2026年3月5日", "ar": "5 مارس 2026",
	} {
		if got := tongueNamed(tag).day(time.Date(2026, 3, 5, 23, 0, 0, 0, time.UTC)); got != want {
			t.Errorf("%s: %q, want %q", tag, got, want)
		}
	}
	if got := tongueNamed("de").rate("7.5%") + " " + tongueNamed("de").rate("1.10 EUR"); got != "7,5% 1,10\u00a0EUR" {
		t.Errorf("rates: %q", got)
	}
}

func TestWantedTongue(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "en", "fr": "en", "de": "de", "de-AT,en;q=0.5": "de", "fr, ja;q=0.7, es;q=0.8": "es", "en;q=0.1,pt-BR;q=0.100": "en", "*": "en",
		"ar;q=0": "en", "de;q=nonsense, ar;q=0.2": "ar", "es;q=1.000 , de": "es", "pt;q=0.7;x=1, ja;q=0.6": "ja", "DE-de": "de",
	} {
		if got := wantedTongue(header).Tag; got != want {
			t.Errorf("%q: %s, want %s", header, got, want)
		}
	}
}

// FuzzWantedTongue: whatever a browser wants, a language of ours is spoken, and no figure of an amount is lost.
func FuzzWantedTongue(f *testing.F) {
	f.Add("de-AT,en;q=0.5", "1234.50")
	f.Fuzz(func(t *testing.T, header, text string) {
		tongue := wantedTongue(header)
		digits := func(s string) string { return regexp.MustCompile(`\D`).ReplaceAllString(s, "") }
		if got := tongue.figure(text); digits(got) != digits(text) {
			t.Errorf("%q in %s: %q", text, tongue.Tag, got)
		}
		if said := string(tongue.say("opened", "shop", text)); strings.Contains(said, "<script") {
			t.Errorf("it became markup: %s", said)
		}
	})
}

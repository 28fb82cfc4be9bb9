package money_test

import (
	"testing"

	"upline.dev/upline/core/money"
)

// Each fuzz test holds the same promise: no input panics, and what is accepted is written back as an equal value.

func FuzzParseMinor(f *testing.F) {
	for _, text := range []string{"75.00", "-0.05", "+1", "1e3", "92233720368547758.07", "10.500", ".", "1,000", "NaN", " 1"} {
		f.Add(text, "USD")
		f.Add(text, "JPY")
		f.Add(text, "KWD")
	}
	f.Add("1", "eur")
	f.Fuzz(func(t *testing.T, text, code string) {
		currency, err := money.ParseCurrency(code)
		minor, parseErr := money.ParseMinor(text, money.Currency(code))
		if err != nil && parseErr == nil {
			t.Fatalf("ParseMinor(%q, %q) = %d for an unknown currency", text, code, minor)
		}
		if parseErr != nil {
			return
		}
		written := money.FormatMinor(minor, currency)
		if again, err := money.ParseMinor(written, currency); err != nil || again != minor {
			t.Fatalf("ParseMinor(%q) = %d, written %q, read as %d, %v", text, minor, written, again, err)
		}
	})
}

func FuzzParseRate(f *testing.F) {
	for _, text := range []string{"7.25%", "40 %", "0.0725", "-1%", "%", "1e-3", "0.00000001%", "922337203685.4775807%"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rate, err := money.ParseRate(text)
		if err != nil {
			return
		}
		if again, err := money.ParseRate(rate.String()); err != nil || again != rate {
			t.Fatalf("ParseRate(%q) = %d, written %q, read as %d, %v", text, int64(rate), rate, int64(again), err)
		}
	})
}

func FuzzParseVolume(f *testing.F) {
	for _, text := range []string{"200", "12.5", "0.000001", "-3", "9223372036854.775807", "1.", "0.0000001"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		volume, err := money.ParseVolume(text)
		if err != nil {
			return
		}
		if again, err := money.ParseVolume(volume.String()); err != nil || again != volume {
			t.Fatalf("ParseVolume(%q) = %d, written %q, read as %d, %v", text, int64(volume), volume, int64(again), err)
		}
	})
}

func FuzzParseExact(f *testing.F) {
	for _, text := range []string{"12", "-617/50", "0/7", "1/0", "340282366920938463463374607431768211456/3", "-", "1/2/3"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, err := money.ParseExact(text)
		if err != nil {
			return
		}
		again, err := money.ParseExact(value.String())
		if err != nil || !again.Equal(value) || again.String() != value.String() {
			t.Fatalf("ParseExact(%q) = %s, read as %s, %v", text, value, again, err)
		}
		one, oneErr := value.Round(money.HalfEven)
		other, otherErr := again.Round(money.HalfEven)
		if one != other || (oneErr == nil) != (otherErr == nil) {
			t.Fatalf("%s rounds to %d, %v and %d, %v", value, one, oneErr, other, otherErr)
		}
	})
}

func FuzzAmountUnmarshalJSON(f *testing.F) {
	for _, text := range []string{
		`{"amount":"12.34","currency":"EUR"}`, `{"amount":12.34,"currency":"EUR"}`, `{"currency":"JPY","amount":"-1"}`,
		`{"amount":"1","amount":"2","currency":"EUR"}`, `null`, `{`, `[]`, `{"amount":"1","currency":"EUR"}x`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var amount money.Amount
		if amount.UnmarshalJSON(data) != nil {
			if amount != (money.Amount{}) {
				t.Fatalf("UnmarshalJSON(%q) failed and left %v", data, amount)
			}
			return
		}
		written, err := amount.MarshalJSON()
		if err != nil {
			t.Fatalf("UnmarshalJSON(%q) = %v, which cannot be written: %v", data, amount, err)
		}
		var again money.Amount
		if err := again.UnmarshalJSON(written); err != nil || again != amount {
			t.Fatalf("UnmarshalJSON(%q) = %v, written %s, read as %v, %v", data, amount, written, again, err)
		}
	})
}

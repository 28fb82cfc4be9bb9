package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"upline.dev/upline/core/money"
)

func TestParseRate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want money.Rate
		back string
	}{
		{"7.25%", 72_500_000, "7.25%"},
		{"0.0725", 72_500_000, "7.25%"},
		{"40 %", 400_000_000, "40%"},
		{"5%", 50_000_000, "5%"},
		{"1", money.One, "100%"},
		{"5", 5 * money.One, "500%"},
		{"0", 0, "0%"},
		{"-2.5%", -25_000_000, "-2.5%"},
		{"+1%", 10_000_000, "1%"},
		{"0.0000001%", 1, "0.0000001%"},
		{"0.000000001", 1, "0.0000001%"},
		{"7.2500000000%", 72_500_000, "7.25%"},
		{"10%", 100_000_000, "10%"},
		{"-922337203685.4775808%", math.MinInt64, "-922337203685.4775808%"},
	} {
		got, err := money.ParseRate(tt.text)
		if err != nil || got != tt.want || got.String() != tt.back {
			t.Errorf("ParseRate(%q) = %d (%s), %v; want %d (%s)", tt.text, int64(got), got, err, int64(tt.want), tt.back)
		}
	}
}

func TestParseRateRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "%", " %", "7.25 %%", "7.25%%", "7.25  %", "7.25 % ", " 7%", "7 ", "7,25%", "1e-2", "0.00000001%", "0.0000000001",
		"922337203685.4775808%", "NaN", "-", "7.%", ".5%", "seven",
	} {
		got, err := money.ParseRate(text)
		var refused *money.ParseError
		if !errors.As(err, &refused) || refused.Text != text {
			t.Errorf("ParseRate(%q) = %s, %v; want a *ParseError that quotes it", text, got, err)
		}
	}
}

func TestParseVolume(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want money.Volume
		back string
	}{
		{"200", 200_000_000, "200"},
		{"12.5", 12_500_000, "12.5"},
		{"12.50000000", 12_500_000, "12.5"},
		{"0.000001", 1, "0.000001"},
		{"-3", -3_000_000, "-3"},
		{"0", 0, "0"},
		{"-9223372036854.775808", math.MinInt64, "-9223372036854.775808"},
	} {
		got, err := money.ParseVolume(tt.text)
		if err != nil || got != tt.want || got.String() != tt.back {
			t.Errorf("ParseVolume(%q) = %d (%s), %v; want %d (%s)", tt.text, int64(got), got, err, int64(tt.want), tt.back)
		}
	}
	for _, text := range []string{"", "0.0000001", "9223372036854.775808", "12.5%", "1 000", "12,5"} {
		var refused *money.ParseError
		if got, err := money.ParseVolume(text); !errors.As(err, &refused) {
			t.Errorf("ParseVolume(%q) = %s, %v; want a *ParseError", text, got, err)
		}
	}
}

func TestRoundingNames(t *testing.T) {
	t.Parallel()
	names := []string{"half_even", "half_up", "half_down", "down", "up", "floor", "ceiling"}
	for i, name := range names {
		got, err := money.ParseRounding(name)
		if err != nil || got != money.Rounding(i) || got.String() != name {
			t.Errorf("ParseRounding(%q) = %s, %v; want rule %d", name, got, err, i)
		}
	}
	for _, name := range []string{"", "HALF_EVEN", "nearest", "Rounding(7)"} {
		if got, err := money.ParseRounding(name); !errors.Is(err, money.ErrRounding) {
			t.Errorf("ParseRounding(%q) = %s, %v; want ErrRounding", name, got, err)
		}
	}
	if got := money.Rounding(7).String(); got != "Rounding(7)" {
		t.Errorf("Rounding(7).String() = %q", got)
	}
	if text, err := money.Rounding(7).MarshalText(); !errors.Is(err, money.ErrRounding) {
		t.Errorf("Rounding(7).MarshalText() = %s, %v; want ErrRounding", text, err)
	}
}

// planLike has each type that is text in JSON.
type planLike struct {
	Rate  money.Rate     `json:"rate"`
	CV    money.Volume   `json:"cv"`
	Mode  money.Rounding `json:"mode"`
	Exact money.Exact    `json:"exact"`
}

func TestTextTypesAreJSONStrings(t *testing.T) {
	t.Parallel()
	exact, err := money.NewExact(-1234).Mul(1, 100)
	if err != nil {
		t.Fatal(err)
	}
	want := planLike{Rate: 72_500_000, CV: 12_500_000, Mode: money.Floor, Exact: exact}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`{"rate":"7.25%","cv":"12.5","mode":"floor","exact":"-617/50"}`, string(text)); diff != "" {
		t.Errorf("Marshal (-want +got):\n%s", diff)
	}
	var got planLike
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Unmarshal (-want +got):\n%s", diff)
	}
}

func TestTextTypesRefuseOtherJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"rate":0.0725}`, `{"cv":12.5}`, `{"mode":1}`, `{"exact":12}`,
		`{"rate":"7,25%"}`, `{"cv":"1e3"}`, `{"mode":"nearest"}`, `{"exact":"1/0"}`,
	} {
		before := planLike{Rate: 1, CV: 2, Mode: money.Up, Exact: money.NewExact(3)}
		got := before
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("Unmarshal(%s) = %v, want an error", text, got)
		}
		if diff := cmp.Diff(before, got); diff != "" {
			t.Errorf("Unmarshal(%s) changed the value (-before +after):\n%s", text, diff)
		}
	}
}

package money_test

import (
	"testing"

	"upline.dev/upline/core/money"
)

// hotPaths run for every order line; none of them may allocate.
var hotPaths = []struct {
	name string
	run  func() error
}{
	{"MulDiv/small", func() error { _, err := money.MulDiv(4999, 72_500_000, 1_000_000_000, money.HalfEven); return err }},
	{"MulDiv/128bit", func() error {
		_, err := money.MulDiv(1<<60+7, 72_500_000, 1_000_000_000, money.HalfEven)
		return err
	}},
	{"RateOf", func() error { _, err := money.Rate(72_500_000).Of(4999, money.HalfEven); return err }},
	{"ParseMinor", func() error { _, err := money.ParseMinor("1234.50", "EUR"); return err }},
	{"ParseRate", func() error { _, err := money.ParseRate("7.25%"); return err }},
	{"ParseVolume", func() error { _, err := money.ParseVolume("12.5"); return err }},
	{"ExactChain", func() error {
		exact, err := money.NewExact(4999).Mul(400_000_000, 1_000_000_000)
		if err != nil {
			return err
		}
		if exact, err = exact.Mul(72_500_000, 1_000_000_000); err != nil {
			return err
		}
		_, err = exact.Round(money.HalfEven)
		return err
	}},
	{"Sum", func() error { _, err := money.Sum(1, 2, 3); return err }},
}

// TestHotPathsDoNotAllocate is not parallel: AllocsPerRun counts what other tests allocate too.
func TestHotPathsDoNotAllocate(t *testing.T) {
	for _, path := range hotPaths {
		allocations := testing.AllocsPerRun(100, func() {
			if err := path.run(); err != nil {
				t.Errorf("%s: %v", path.name, err)
			}
		})
		if allocations != 0 {
			t.Errorf("%s allocates %v times a run, want 0", path.name, allocations)
		}
	}
}

func BenchmarkHotPaths(b *testing.B) {
	for _, path := range hotPaths {
		b.Run(path.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := path.run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMulDiv varies its input, so that neither the compiler nor the branch predictor knows the answer.
func BenchmarkMulDiv(b *testing.B) {
	b.ReportAllocs()
	var sum, minor int64
	for b.Loop() {
		minor = (minor + 7919) & (1<<20 - 1)
		part, err := money.MulDiv(minor, 72_500_000, 1_000_000_000, money.HalfEven)
		if err != nil {
			b.Fatal(err)
		}
		sum += part
	}
	if sum < 0 {
		b.Fatal("a sum of shares went below zero")
	}
}

func BenchmarkFormatMinor(b *testing.B) {
	b.ReportAllocs()
	var text string
	for b.Loop() {
		text = money.FormatMinor(123450, "EUR")
	}
	b.Log(text) // Makes the text outlive the loop, as it does in use, so that its allocation is counted.
}

func BenchmarkAllocate(b *testing.B) {
	weights := []int64{1999, 4999, 999, 1999, 2499}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := money.Allocate(-1000, weights); err != nil {
			b.Fatal(err)
		}
	}
}

package money_test

import (
	"fmt"

	"upline.dev/upline/core/money"
)

// An order discount of 10.00 is spread over three lines by their price; the cents add up again.
func ExampleAllocate() {
	parts, err := money.Allocate(-1000, []int64{1999, 1999, 4999})
	fmt.Println(parts, err)
	// Output: [-222 -222 -556] <nil>
}

// Base x share x rate is multiplied exactly and rounded once: 49.99 at 40 % commissionable, 7.25 % of it.
func ExampleExact() {
	exact := money.NewExact(4999)
	for _, rate := range []money.Rate{400_000_000, 72_500_000} {
		next, err := exact.Mul(int64(rate), int64(money.One))
		if err != nil {
			fmt.Println(err)
			return
		}
		exact = next
	}
	minor, err := exact.Round(money.HalfEven)
	fmt.Println(exact, minor, err)
	// Output: 144971/1000 145 <nil>
}

func ExampleParseMinor() {
	minor, err := money.ParseMinor("10.500", "USD")
	fmt.Println(minor, err)
	_, err = money.ParseMinor("10.505", "USD")
	fmt.Println(err)
	// Output:
	// 1050 <nil>
	// money: cannot read "10.505": it has more than 2 decimals
}

func ExampleParseRate() {
	rate, err := money.ParseRate("0.0725")
	fmt.Println(rate, int64(rate), err)
	// Output: 7.25% 72500000 <nil>
}

func ExampleRate_Of() {
	rate, err := money.ParseRate("7.25 %")
	if err != nil {
		fmt.Println(err)
		return
	}
	minor, err := rate.Of(1000, money.HalfEven)
	fmt.Println(minor, err)
	minor, err = rate.Of(1000, money.HalfUp)
	fmt.Println(minor, err)
	// Output:
	// 72 <nil>
	// 73 <nil>
}

func ExampleAmount_Add() {
	sum, err := money.Amount{Minor: 1200, Currency: "JPY"}.Add(money.Amount{Minor: -300, Currency: "JPY"})
	fmt.Println(sum, err)
	// Output: 900 JPY <nil>
}

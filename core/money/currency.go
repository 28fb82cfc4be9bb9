package money

import "fmt"

// Currency is an ISO 4217 alphabetic code known to Upline, in upper case. The zero value is no currency, and so is a
// code that did not come from ParseCurrency: every function here refuses it instead of guessing two decimals.
type Currency string

// unknownExponent is what Exponent answers for a code outside the table.
const unknownExponent = -1

// CurrencyError says that a code names no currency Upline keeps books in.
type CurrencyError struct {
	Code string // the code as received, cut after 64 bytes
}

// Error names the code and what mends it.
func (e *CurrencyError) Error() string {
	return fmt.Sprintf("money: unknown currency %q: %s", e.Code, currencyMend(e.Code))
}

// ParseCurrency reads an exact upper-case ISO 4217 code whose minor unit has 0, 2 or 3 decimals. Anything else, such as
// funds with four decimals (CLF, UYW), metals (XAU) and "no currency" (XXX), is a *CurrencyError.
func ParseCurrency(code string) (Currency, error) {
	c := Currency(code)
	if !c.Valid() {
		return "", unknownCurrency(c)
	}
	return c, nil
}

// Valid reports whether c is in the currency table.
func (c Currency) Valid() bool { return c.Exponent() != unknownExponent }

// Exponent is the number of decimals of the minor unit: 0, 2 or 3. It is -1 for a code outside the table; callers hold
// parsed currencies only, and the parsing and formatting functions check it for them.
//
// Source: ISO 4217 list one (SIX, maintenance agency) as it stood on 2026-02-01. Codes withdrawn from the list since
// 2025 stay readable, because orders and postings in them keep their value: ANG (2025-03), BGN (2026-01).
func (c Currency) Exponent() int {
	switch c {
	case "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BMD", "BND", "BOB", "BOV",
		"BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CNY", "COP", "COU", "CRC", "CUP",
		"CVE", "CZK", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD",
		"GTQ", "GYD", "HKD", "HNL", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS", "KHR", "KPW", "KYD",
		"KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT", "MOP", "MRU", "MUR", "MVR",
		"MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR",
		"PLN", "QAR", "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP",
		"STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMT", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "UYU",
		"UZS", "VED", "VES", "WST", "XAD", "XCD", "XCG", "YER", "ZAR", "ZMW", "ZWG":
		return 2
	case "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF",
		"XPF":
		return 0
	case "BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND":
		return 3
	case "ANG", "BGN":
		return 2
	default:
		return unknownExponent
	}
}

// unknownCurrency keeps a foreign code short enough to be shown and logged.
func unknownCurrency(c Currency) *CurrencyError { return &CurrencyError{Code: shorten(string(c))} }

// currencyMend tells the reader of the error what to write instead.
func currencyMend(code string) string {
	switch code {
	case "":
		return "name the currency, such as \"EUR\""
	case "CLF", "UYW":
		return "its unit of account has four decimals; use the currency that is paid out (CLP, UYU)"
	case "XAG", "XAU", "XPD", "XPT", "XBA", "XBB", "XBC", "XBD", "XDR", "XSU", "XUA", "XTS", "XXX":
		return "this ISO 4217 code has no minor unit and cannot be paid out; use a national currency"
	}
	if upper := upperASCII(code); upper != code && Currency(upper).Valid() {
		return fmt.Sprintf("write it in upper case, %q", upper)
	}
	return "use an active ISO 4217 code of three capital letters, such as \"EUR\""
}

// upperASCII folds a to z only, so that no other alphabet can turn into a code.
func upperASCII(s string) string {
	out := []byte(s)
	for i, ch := range out {
		if 'a' <= ch && ch <= 'z' {
			out[i] = ch - 'a' + 'A'
		}
	}
	return string(out)
}

// Package money is the only place where amounts are parsed, multiplied, shared out and rounded.
//
// An amount is an int64 count of minor units (cents, yen, fils) together with its ISO 4217 currency; a Rate is an
// int64 count of billionths; a Volume is an int64 count of millionths of a volume point. There is no float anywhere.
package money

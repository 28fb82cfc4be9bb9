// Package money is the only place where amounts are parsed, multiplied, shared out and rounded.
//
// An amount is an int64 count of minor units (cents, yen, fils) together with its ISO 4217 currency; a Rate is an
// int64 count of billionths; a Volume is an int64 count of millionths of a volume point. There is no float anywhere:
// text is read digit by digit, products are held in 128 bits, and a result that does not fit is ErrOverflow, never a
// wrapped or a clipped number.
//
// Multiply first and round once: Exact carries base x share x rate as a fraction, and Exact.Round is called for the
// ledger line alone. Where a whole has to be split, Allocate keeps the sum of the parts equal to the whole.
package money

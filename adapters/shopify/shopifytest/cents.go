package shopifytest

import (
	"math/big"
	"strings"
)

// cents is an exact decimal. The stand-in adds amounts up its own way, so that it cannot repeat a mistake of ours.
type cents struct{ r *big.Rat }

func parseCents(s string) cents {
	r, ok := new(big.Rat).SetString(s)
	if !ok {
		return cents{}
	}
	return cents{r}
}

func (c cents) rat() *big.Rat {
	if c.r == nil {
		return new(big.Rat)
	}
	return c.r
}

func (c cents) plus(d cents) cents  { return cents{new(big.Rat).Add(c.rat(), d.rat())} }
func (c cents) minus(d cents) cents { return cents{new(big.Rat).Sub(c.rat(), d.rat())} }
func (c cents) negated() cents      { return cents{new(big.Rat).Neg(c.rat())} }
func (c cents) times(n any) cents   { return cents{new(big.Rat).Mul(c.rat(), parseCents(text(n)).rat())} }

// String has as many decimals as it takes, one at least, as Shopify writes amounts.
func (c cents) String() string {
	s := strings.TrimRight(c.rat().FloatString(6), "0")
	if strings.HasSuffix(s, ".") {
		s += "0"
	}
	return s
}

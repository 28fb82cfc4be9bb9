package adapters_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"upline.dev/upline/adapters"
)

func TestJSONPath(t *testing.T) {
	t.Parallel()
	for pointer, want := range map[string]string{
		"":                           "$",
		"/id":                        "id",
		"/line_items/0/price":        "line_items[0].price",
		"/refunds/12/lines/3":        "refunds[12].lines[3]",
		"/a~1b/c~0d":                 "a/b.c~d",
		"/a\nb":                      "a?b",
		"/\xff":                      "?",
		"/" + strings.Repeat("x", 9): strings.Repeat("x", 9),
	} {
		if got := adapters.JSONPath(pointer); got != want {
			t.Errorf("%q is told as %q, want %q", pointer, got, want)
		}
	}
	if got := adapters.JSONPath("/" + strings.Repeat("x", 1<<20)); len(got) > 300 {
		t.Errorf("a long name is told with %d bytes", len(got))
	}
}

func TestCheckSize(t *testing.T) {
	t.Parallel()
	for size, refused := range map[int]bool{0: true, 1: false, adapters.MaxBodyBytes: false, adapters.MaxBodyBytes + 1: true} {
		_, got := errors.AsType[*adapters.Malformed](adapters.CheckSize(make([]byte, size)))
		if got != refused {
			t.Errorf("%d bytes: refused %v, want %v", size, got, refused)
		}
	}
}

func TestUnder(t *testing.T) {
	t.Parallel()
	inner := fmt.Errorf("read: %w", &adapters.Malformed{Field: "price", Reason: "why"})
	if got := adapters.Under("line_items[2].", inner).Error(); got != "line_items[2].price: why" {
		t.Errorf("got %q", got)
	}
	other := errors.New("other")
	//nolint:errorlint // The very same value comes back, not one that wraps it.
	if adapters.Under("x.", other) != other || adapters.Under("x.", nil) != nil {
		t.Error("another error was changed")
	}
}

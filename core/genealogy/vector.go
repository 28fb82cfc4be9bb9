package genealogy

import "slices"

// A page is the smallest part that is copied when a tree changes: small enough that one new link costs little, large
// enough that the list of pages of a million people is short.
const (
	pageBits = 9
	pageSize = 1 << pageBits
)

// vector is a list in pages. It never changes once a Tree has it; a writer makes the next one and copies only the pages
// it touches.
type vector[T any] struct {
	pages  [][]T
	length int32
}

func (v *vector[T]) at(i int32) *T { return &v.pages[i>>pageBits][i&(pageSize-1)] }

// writer is a vector being made from another. Pages not in mine still belong to the older vector's readers.
type writer[T any] struct {
	vector[T]
	mine []bool
}

func edit[T any](v vector[T]) writer[T] {
	return writer[T]{vector[T]{slices.Clone(v.pages), v.length}, make([]bool, len(v.pages))}
}

// own makes a page private before it is written to.
func (w *writer[T]) own(page int32) {
	if !w.mine[page] {
		w.pages[page] = slices.Clone(w.pages[page])
		w.mine[page] = true
	}
}

// change gives an item to write to. The pointer is good until the next add.
func (w *writer[T]) change(i int32) *T {
	w.own(i >> pageBits)
	return w.at(i)
}

// add appends an item and returns its number.
func (w *writer[T]) add(item T) int32 {
	i := w.length
	page := i >> pageBits
	if int(page) == len(w.pages) {
		var fresh []T
		if page > 0 {
			fresh = make([]T, 0, pageSize) // The first page grows as it fills, since most trees are small.
		}
		w.pages = append(w.pages, fresh)
		w.mine = append(w.mine, true)
	}
	w.own(page)
	w.pages[page] = append(w.pages[page], item)
	w.length++
	return i
}
